"""Folders that nobody but their owner may enter."""

import os
import stat
from pathlib import Path

import pytest

from resources import private_folder


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.lstat().st_mode):o}"


def test_what_is_made_is_its_owners_alone_and_what_was_there_stays(tmp_path):
    tmp_path.chmod(0o755)
    private_folder.make(tmp_path / "home" / "artifacts" / "reports")
    private_folder.make(tmp_path / "home" / "artifacts" / "reports")
    made = [tmp_path, *(tmp_path / name for name in ("home", "home/artifacts", "home/artifacts/reports"))]
    assert [mode(path) for path in made] == ["755", "700", "700", "700"]


def test_a_home_of_an_earlier_release_is_closed_with_its_settings_and_reports(tmp_path):
    """Learners' reports and the database's password could be read by everybody on the machine."""
    home = tmp_path / "home"
    (home / "artifacts").mkdir(parents=True)
    (home / "settings.env").touch()
    assert [mode(path) for path in (home, home / "artifacts", home / "settings.env")] == ["755", "755", "644"]
    for _ in range(2):
        private_folder.close(home)
        assert [mode(path) for path in (home, home / "artifacts", home / "settings.env")] == ["700", "700", "600"]


def test_what_a_group_may_enter_what_a_link_leads_to_and_everybodys_folder_are_left(tmp_path):
    elsewhere, everybodys = tmp_path / "a web server's", tmp_path / "everybody's"
    elsewhere.mkdir()
    everybodys.mkdir()
    everybodys.chmod(0o1777)
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o750)
    (home / "artifacts").symlink_to(elsewhere)
    private_folder.close(home)
    private_folder.close(everybodys)
    private_folder.close(tmp_path / "nowhere")
    private_folder.close(Path("/dev/null/home"))
    assert [mode(path) for path in (home, elsewhere, everybodys)] == ["750", "755", "1777"]
