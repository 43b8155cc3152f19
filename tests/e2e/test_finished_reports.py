"""What becomes of reports once they are made: linked, compared and pruned by the command, in S3 and in a folder."""

import datetime as dt
import hashlib
import io
import json
import re
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from resources.artifacts.folder import FolderStore
from resources.artifacts.s3 import S3Store
from resources.artifacts.store import ArtifactStore, class_report_key, report_key
from resources.database.engine import transaction
from resources.database.queries.reports import report_artifacts
from resources.model import ReportArtifact, Week
from tests.e2e.conftest import WEEKS, Type

WEEK = Week.parse(WEEKS[0])
KEY = report_key(WEEK, "u2", "html")
ASKED = ("--week", WEEKS[0], "--user", "u2")
BEFORE = ("--before", WEEKS[1])


@pytest.fixture(autouse=True)
def nothing_recorded(engine: sa.Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(sa.text("TRUNCATE seedtest_report_artifacts"))


@pytest.fixture
def bucket(s3_bucket: str, on_exam: Type, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where reports go from now on."""
    monkeypatch.setenv("S3_BUCKET", s3_bucket)
    return s3_bucket


@pytest.fixture
def in_s3(bucket: str, engine: sa.Engine) -> str:
    """The bucket with one report of one learner."""
    _publish(S3Store(bucket), engine)
    return bucket


def _publish(store: ArtifactStore, engine: sa.Engine) -> None:
    """One report of one learner, without the seconds that a run takes."""
    url = store.put(KEY, b"<html></html>", "text/html; charset=utf-8")
    sha256 = hashlib.sha256(b"<html></html>").hexdigest()
    with transaction(engine) as connection:
        report_artifacts.record(connection, [ReportArtifact("u2", WEEK, "html", url, dt.datetime.now(dt.UTC), sha256)])


def test_a_report_in_s3_has_a_stable_address_and_a_link_that_opens_it(
    bucket: str, on_exam: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = on_exam("run", *ASKED)
    assert ran.exit_code == 0
    assert ran.out.splitlines()[-2:] == [
        f"A report to open: s3://{bucket}/{KEY}",
        f"In the browser:   seedtest report --week {WEEKS[0]} --user u2 --open",
    ]
    assert on_exam("report", *ASKED).out.strip() == f"s3://{bucket}/{KEY}"
    link = on_exam("report", *ASKED, "--format", "html", "--link").out.strip()
    page = httpx.get(link)
    assert page.status_code == 200
    assert page.content.rstrip().endswith(b"</html>")
    assert httpx.get(link.partition("?")[0]).status_code == 403
    (shown,) = json.loads(on_exam("report", *ASKED, "--link", "--json").out)["reports"]
    assert (shown["format"], shown["url"]) == ("html", f"s3://{bucket}/{KEY}")
    assert httpx.get(shown["link"]).content == page.content
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", shown["expires_at"])

    monkeypatch.chdir(tmp_path)
    teachers = on_exam("report", *ASKED, "--edition", "teacher")
    assert teachers.exit_code == 0, teachers.err
    file = tmp_path / f"{WEEKS[0]}-u2-teacher.html"
    assert teachers.out.strip() == str(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert "For the teacher" in file.read_text("utf-8")
    assert "For the teacher" not in page.text
    monkeypatch.setenv("FIRST_WEEK", WEEKS[1])
    too_early = on_exam("report", *ASKED, "--edition", "teacher")
    assert too_early.exit_code == 1
    assert f"{WEEKS[0]} is before the first week, {WEEKS[1]}: set FIRST_WEEK={WEEKS[0]} or earlier." in too_early.err


def test_a_class_report_of_the_week_is_made_printed_and_opened(
    in_s3: str, on_exam: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "groups.csv"
    file.write_text("group,user_id,name\n3-2,u2,Ann\n3-2,u3,Bob\n4-1,u3,\n")
    assert on_exam("groups", str(file)).exit_code == 0
    week = ("--week", WEEKS[0])
    assert on_exam("classes", *week, "--open").exit_code == 2
    said = on_exam("classes", *week)
    assert said.exit_code == 0, said.err
    assert said.out.splitlines() == [
        f"{group}: s3://{in_s3}/{class_report_key(WEEK, group, 'html')}" for group in ("3-2", "4-1")
    ]
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: not opened.append(url))
    assert on_exam("classes", *week, "--group", "3-2", "--open").exit_code == 0
    page = httpx.get(opened[0]).text
    assert "Ann" in page
    assert "this week was not made for this learner" in page, "nobody ran it for u3"
    pruned = json.loads(on_exam("artifacts", "prune", *BEFORE, "--yes", "--json").out)
    assert pruned["class_reports"] == 2
    assert httpx.get(opened[0]).status_code == 404
    assert json.loads(on_exam("artifacts", "prune", *BEFORE, "--json").out)["class_reports"] == 0


def test_all_weeks_of_a_learner_are_listed_the_newest_first(in_s3: str, on_exam: Type, engine: sa.Engine) -> None:
    later = Week.parse(WEEKS[1])
    url = S3Store(in_s3).put(report_key(later, "u2", "pdf"), b"%PDF", "application/pdf")
    with transaction(engine) as connection:
        row = ReportArtifact("u2", later, "pdf", url, dt.datetime.now(dt.UTC), "00")
        report_artifacts.record(connection, [row])
    listed = on_exam("report", "--user", "u2", "--list")
    assert listed.out.splitlines() == [f"{WEEKS[1]}  {url}", f"{WEEKS[0]}  s3://{in_s3}/{KEY}"]
    as_json = json.loads(on_exam("report", "--user", "u2", "--list", "--format", "html", "--json").out)
    assert [(one["week"], one["format"]) for one in as_json["reports"]] == [(WEEKS[0], "html")]
    nobody = on_exam("report", "--user", "nobody", "--list")
    assert nobody.exit_code == 1
    assert "There is no report of 'nobody'" in nobody.err


def test_open_hands_the_browser_a_link_and_not_the_address(
    in_s3: str, on_exam: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: not opened.append(url))
    assert on_exam("report", *ASKED, "--open").exit_code == 0
    assert httpx.get(opened[0]).status_code == 200


def test_a_format_that_was_not_made_is_told_apart_from_no_report(in_s3: str, on_exam: Type) -> None:
    said = on_exam("report", *ASKED, "--format", "pdf")
    assert said.exit_code == 1
    assert "There is no pdf report of 'u2' for 2025-01-06, but html: REPORT_FORMATS" in said.err


def test_a_report_that_lies_in_another_store_gets_no_link_and_the_line_that_moves_it(
    in_s3: str, on_exam: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("S3_BUCKET")
    said = on_exam("report", *ASKED, "--link")
    assert said.exit_code == 1
    remedy = re.search(r"Make it there: seedtest (run .*)", said.err)
    assert remedy
    assert on_exam(*remedy[1].split()).exit_code == 0
    moved = on_exam("report", *ASKED, "--link").out.strip()
    assert moved.startswith("file:///")
    assert moved == on_exam("report", *ASKED).out.strip()


def test_check_is_quiet_where_all_is_well_and_names_what_is_not_with_the_line_that_mends_it(
    in_s3: str, on_exam: Type
) -> None:
    well = on_exam("artifacts", "check", "--hashes")
    assert (well.exit_code, well.err) == (0, "")
    assert "1 rows and 1 files in 1 weeks, 0 at fault" in well.out
    store = S3Store(in_s3)
    store.put(KEY, b"something else", "text/html")
    assert on_exam("artifacts", "check").exit_code == 0
    altered = on_exam("artifacts", "check", "--hashes")
    assert altered.exit_code == 1
    assert f"file is not the row's {KEY}" in altered.out
    store.delete(KEY)
    lost = on_exam("artifacts", "check")
    assert lost.exit_code == 1
    assert f"row without file {KEY}" in lost.out
    remedy = re.search(r"seedtest (run --week \S+)\. ", lost.err)
    assert remedy
    assert on_exam(*remedy[1].split(), "--user", "u2").exit_code == 0
    assert on_exam("artifacts", "check", "--hashes").exit_code == 0


def test_check_as_json_lists_every_file(in_s3: str, on_exam: Type) -> None:
    key = report_key(WEEK, "stray", "html")
    S3Store(in_s3).put(key, b"x", "text/html")
    said = on_exam("artifacts", "check", "--json")
    assert said.exit_code == 1
    (week,) = json.loads(said.out)
    assert (week["week"], week["rows"], week["files"], week["unrecorded"]) == (WEEKS[0], 1, 2, [key])


def test_prune_shows_asks_and_deletes_files_and_rows(
    in_s3: str, on_exam: Type, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = S3Store(in_s3)
    assert (
        "no report of a week that was over by 2025-01-12" in on_exam("artifacts", "prune", "--before", "2025-01-12").err
    )
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    for options, exit_code in ((["--dry-run"], 0), ([], 1)):
        said = on_exam("artifacts", "prune", *BEFORE, *options)
        assert said.exit_code == exit_code
        assert re.search(rf"{WEEKS[0]}\s*│\s*1\s*│\s*1", said.out)
        assert list(store.keys("")) == [KEY]
    assert "Delete 1 files and 1 rows for good?" in said.err
    assert on_exam("artifacts", "prune", *BEFORE, "--yes").exit_code == 0
    assert list(store.keys("")) == []
    with transaction(engine) as connection:
        assert report_artifacts.of_week(connection, WEEK) == []


def test_doctor_tries_the_bucket_and_tells_what_it_needs(
    in_s3: str, on_exam: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finding() -> dict[str, object]:
        return next(f for f in json.loads(on_exam("doctor", "--json").out) if f["part"] == "artifact store")

    before = list(S3Store(in_s3).keys(""))
    assert finding()["ok"]
    assert f"s3://{in_s3} in us-east-1 at http://127.0.0.1:" in str(finding()["detail"])
    assert list(S3Store(in_s3).keys("")) == before
    monkeypatch.setenv("S3_BUCKET", "no-such-bucket")
    assert "create it, or name another in S3_BUCKET" in str(finding()["detail"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert "correct AWS_SECRET_ACCESS_KEY" in str(finding()["detail"])


def test_a_folder_is_pruned_and_compared_by_the_same_commands(on_exam: Type, engine: sa.Engine, tmp_path: Path) -> None:
    _publish(FolderStore(tmp_path / "the home" / "artifacts"), engine)
    checked = on_exam("artifacts", "check", "--hashes")
    assert (checked.exit_code, "1 rows and 1 files in 1 weeks, 0 at fault" in checked.out) == (0, True)
    assert on_exam("artifacts", "prune", *BEFORE, "--yes", "--json").exit_code == 0
    assert list((tmp_path / "the home" / "artifacts").iterdir()) == []
