"""What a command does first."""

from seedtest_pipeline.cli import startup
from seedtest_pipeline.settings import Settings, remember


def test_each_command_closes_a_home_that_everybody_could_read_and_new_files_are_closed(monkeypatch, tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    (home / "settings.env").touch()
    (home / "settings.env").chmod(0o644)
    monkeypatch.setenv("SEEDTEST_HOME", str(home))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setattr("seedtest_pipeline.settings.prepare_process", lambda: None)  # the tests' own process goes on
    startup.parts()
    assert [f"{path.stat().st_mode & 0o777:o}" for path in (home, home / "dagster", home / "settings.env")] == [
        "700", "700", "600",
    ]  # fmt: skip
    monkeypatch.setenv("SEEDTEST_HOME", str(tmp_path / "new"))
    remember(Settings.load(), "USER_PARTITIONS", "64")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "settings.env").stat().st_mode & 0o777 == 0o600
