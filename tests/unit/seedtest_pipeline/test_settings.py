import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from resources.artifacts.cloudfront import CloudFrontLinks
from resources.artifacts.folder import FolderStore
from resources.artifacts.links import FileLinks
from resources.artifacts.presigned import PresignedLinks
from resources.errors import InvalidInput
from resources.reports.learner.cuts import Cuts
from resources.reports.learner.scale import Scale
from seedtest_pipeline import former_settings as former
from seedtest_pipeline.settings import Settings, remember
from seedtest_pipeline.wiring import Parts


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SEEDTEST_HOME", str(tmp_path))


def test_the_defaults_need_nothing_set():
    settings = Settings.load()
    assert settings.database_url is None
    assert settings.user_partitions == 0
    assert settings.irt_update_lookback_days == 30


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("USER_PARTITIONS", "many", "Setting USER_PARTITIONS='many': it is `users`, or a number of hash buckets"),
        ("USER_PARTITIONS", "-1", "greater than or equal to 0"),
        ("FIRST_WEEK", "2025-01-08", "Setting FIRST_WEEK='2025-01-08': .*Wednesday.*use 2025-01-06"),
        ("IRT_UPDATE_LOOKBACK_DAYS", "0", "greater than or equal to 1"),
        ("SEEDTEST_TIMEZONE", "KST", "Setting SEEDTEST_TIMEZONE='KST': it is no time zone; one is called `UTC` or"),
        ("SEEDTEST_TIMEZONE", "../UTC", "it is no time zone"),
        ("REPORT_SCALE", "500,100", "Setting REPORT_SCALE='500,100': it is four whole numbers"),
        ("REPORT_SCALE", "900,100,200,800", "The scale's center, 900, must lie between 200 and 800"),
        ("REPORT_CUTS", "Basic,400", "Setting REPORT_CUTS='Basic,400': There are 1 names .* and 1 cut scores: write"),
        ("REPORT_CUTS", "A,900,B", "REPORT_CUTS: The cut score 900 is not on the scale: use cut scores between 200"),
        ("REPORT_LANG", "de", "Setting REPORT_LANG='de': Input should be 'en' or 'ko'"),
        ("REPORT_FORMATS", "html,docx", "Setting REPORT_FORMATS='docx': Input should be 'html', 'pdf' or 'eml'"),
        ("S3_SSE", "aes", "Setting S3_SSE='aes': Input should be 'none', 'AES256' or 'aws:kms'"),
        ("REPORT_LINK_SECS", "604801", "Setting REPORT_LINK_SECS='604801': .*less than or equal to 604800"),
        ("CLOUDFRONT_DOMAIN", "https://d1.cloudfront.net", "Setting CLOUDFRONT_DOMAIN='https://d1.cloudfront.net'"),
        ("IRT_MODEL", "4PL", "Setting IRT_MODEL='4PL': Input should be 'Rasch', '1PL', '2PL' or '3PL'"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_line_that_names_it(monkeypatch, name, value, said):
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=said):
        Settings.load()


def test_formats_are_a_list_with_commas(monkeypatch):
    assert Settings.load().report_formats == ("html",)
    monkeypatch.setenv("REPORT_FORMATS", "html, pdf,html")
    assert Settings.load().report_formats == ("html", "pdf")


def test_cut_scores_go_with_the_scale_and_there_are_none_by_default(monkeypatch):
    assert Settings.load().scale == Scale()
    monkeypatch.setenv("REPORT_SCALE", "50,20,0,100")
    monkeypatch.setenv("REPORT_CUTS", "기초,40,보통,60,우수")
    assert Settings.load().scale == Scale(50, 20, 0, 100, Cuts(("기초", "보통", "우수"), (40, 60)))


def test_an_empty_variable_counts_as_not_set_as_a_shell_script_may_leave_it(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("USER_PARTITIONS", "")
    settings = Settings.load()
    assert (settings.database_url, settings.user_partitions) == (None, 0)


def test_a_misspelt_setting_in_the_file_is_named_and_not_ignored(tmp_path):
    (tmp_path / "settings.env").write_text("USER_PARTITION=64\n")
    with pytest.raises(InvalidInput, match=r"settings\.env sets USER_PARTITION, which is no setting"):
        Settings.load()


def test_the_environment_wins_over_the_file(monkeypatch):
    remember(Settings.load(), "USER_PARTITIONS", "64")
    assert Settings.load().user_partitions == 64
    monkeypatch.setenv("USER_PARTITIONS", "16")
    assert Settings.load().user_partitions == 16


def test_remembering_leaves_a_file_that_only_its_owner_may_read_so(tmp_path):
    settings = Settings.load(seedtest_home=tmp_path)
    path = tmp_path / "settings.env"
    path.write_text("DATABASE_URL=postgresql://u:secret@h/d\n")
    path.chmod(0o600)
    remember(settings, "FIRST_WEEK", "2025-01-06")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_remembering_twice_leaves_one_line_and_keeps_the_others(tmp_path):
    settings = Settings.load()
    remember(settings, "IRT_ATTEMPTS", "last")
    remember(settings, "FIRST_WEEK", "2025-01-06")
    remember(settings, "FIRST_WEEK", "2015-06-15")
    assert (tmp_path / "settings.env").read_text() == "IRT_ATTEMPTS=last\nFIRST_WEEK=2015-06-15\n"


def test_the_password_of_the_database_is_not_printed_with_the_settings(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:s3cret@127.0.0.1/exam")
    assert "s3cret" not in repr(Settings.load())


def test_a_home_below_the_tilde_keeps_what_it_remembers(monkeypatch, tmp_path):
    """What was remembered went to the user's home, and was looked for in a folder named ~."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SEEDTEST_HOME", "~/seedtest")
    remember(Settings.load(), "USER_PARTITIONS", "64")
    assert Settings.load().user_partitions == 64


CLOUDFRONT = {
    "CLOUDFRONT_DOMAIN": "d1.cloudfront.net",
    "CLOUDFRONT_KEY_PAIR_ID": "K1",
    "CLOUDFRONT_PRIVATE_KEY_FILE": "k",
}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"CLOUDFRONT_DOMAIN": "d1.cloudfront.net"}, "CLOUDFRONT_DOMAIN is set and S3_BUCKET is not"),
        ({"S3_BUCKET": "b", "CLOUDFRONT_DOMAIN": "d1.cloudfront.net"}, "CLOUDFRONT_KEY_PAIR_ID is missing"),
        ({"S3_BUCKET": "b", **CLOUDFRONT, "CLOUDFRONT_DOMAIN": ""}, "CLOUDFRONT_DOMAIN is missing"),
        ({"S3_BUCKET": "b", **CLOUDFRONT}, "CLOUDFRONT_PRIVATE_KEY_FILE=k: No such file"),
        ({"S3_BUCKET": "b", "S3_SSE_KMS_KEY_ID": "alias/x"}, "set S3_SSE=aws:kms, too"),
        ({"S3_SSE_KMS_KEY_ID": "alias/x", "S3_SSE": "aws:kms"}, "S3_SSE_KMS_KEY_ID is set and S3_BUCKET is not"),
    ],
)
def test_settings_that_need_one_another_are_told_which_is_missing(monkeypatch, tmp_path, given, said):
    monkeypatch.chdir(tmp_path)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=said):
        Settings.load()


def test_the_store_is_a_bucket_where_one_is_named_and_links_go_through_cloudfront_where_that_is_named(
    monkeypatch, tmp_path
):
    assert isinstance(Parts(Settings.load()).artifacts, FolderStore)
    assert isinstance(Parts(Settings.load()).links, FileLinks)
    monkeypatch.setenv("S3_BUCKET", "b")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    parts = Parts(Settings.load())
    assert str(parts.artifacts) == "s3://b in eu-north-1 at https://s3.eu-north-1.amazonaws.com"
    assert isinstance(parts.links, PresignedLinks)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "k").write_bytes(key.private_bytes(*form))
    for name, value in {**CLOUDFRONT, "CLOUDFRONT_PRIVATE_KEY_FILE": str(tmp_path / "k")}.items():
        monkeypatch.setenv(name, value)
    assert isinstance(Parts(Settings.load()).links, CloudFrontLinks)


def test_what_counts_is_scored_as_the_settings_say(monkeypatch):
    given = {"IRT_ATTEMPTS": "last", "IRT_OMITTED": "wrong", "IRT_DRIFT": ".05", "IRT_UPDATE_LOOKBACK_DAYS": "9"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    rules = Parts(Settings.load()).rules
    assert (rules.attempts, rules.omitted, rules.drift, rules.lookback_days) == ("last", "wrong", 0.05, 9)


def test_a_setting_of_the_predecessor_is_named_with_what_replaces_it(monkeypatch, tmp_path):
    assert former.told("JWT_PUBLIC_KEY") == "JWT_PUBLIC_KEY is not read here: JWKS_URL replaces it."
    assert set(former.REPLACED.values()) <= {name.upper() for name in Settings.model_fields}
    (tmp_path / "settings.env").write_text("REPORT_FORMAT=html\n")
    monkeypatch.setenv("SEEDTEST_HOME", str(tmp_path))
    with pytest.raises(InvalidInput, match="REPORT_FORMAT is not read here: REPORT_FORMATS replaces it"):
        Settings.load()
