import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from resources.artifacts.folder import FolderStore
from resources.artifacts.store import ArtifactStore
from tests.unit.artifacts.store_contract import HTML, KEY, StoreContract


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return FolderStore(tmp_path / "arti facts")


class TestFolderStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ArtifactStore:
        return FolderStore(tmp_path / "arti facts")


def test_the_same_content_is_not_written_again(store: ArtifactStore, tmp_path: Path) -> None:
    store.put(KEY, b"one", HTML)
    path = tmp_path / "arti facts" / KEY
    before = path.stat()
    store.put(KEY, b"one", HTML)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    store.put(KEY, b"two", HTML)
    assert path.stat().st_ino != before.st_ino


def test_a_report_is_its_owners_alone(store: ArtifactStore, tmp_path: Path) -> None:
    store.put(KEY, b"one", HTML)
    path = tmp_path / "arti facts" / KEY
    assert path.stat().st_mode & 0o777 == 0o600
    assert {folder.stat().st_mode & 0o777 for folder in path.parents[: KEY.count("/") + 1]} == {0o700}


def test_what_is_no_artifact_is_not_listed(store: ArtifactStore, tmp_path: Path) -> None:
    store.put(KEY, b"x", HTML)
    for name in (".weekly_report.html.0123.part", "a note.txt"):
        (tmp_path / "arti facts" / KEY).with_name(name).write_bytes(b"half")
    assert list(store.keys("")) == [KEY]


def test_the_address_is_the_files_own(store: ArtifactStore, tmp_path: Path) -> None:
    assert store.put(KEY, b"one", HTML) == (tmp_path / "arti facts" / KEY).as_uri()


def test_a_failed_write_leaves_the_earlier_file_and_nothing_else(
    store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(KEY, b"one", HTML)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.put(KEY, b"two", HTML)
    folder = (tmp_path / "arti facts" / KEY).parent
    assert [path.name for path in folder.iterdir()] == ["weekly_report.html"]
    assert store.read(KEY) == b"one"


def test_leftovers_of_killed_writers_are_swept_and_those_of_living_ones_are_not(
    store: ArtifactStore, tmp_path: Path
) -> None:
    folder = (tmp_path / "arti facts" / KEY).parent
    folder.mkdir(parents=True)
    old, new = folder / ".weekly_report.html.00.part", folder / ".weekly_report.html.01.part"
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    store.put(KEY, b"one", HTML)
    assert sorted(path.name for path in folder.iterdir()) == [new.name, "weekly_report.html"]


KILLED_WRITERS = """
import os, pathlib, signal, sys, time
from resources.artifacts.folder import FolderStore

store, contents = FolderStore(pathlib.Path(sys.argv[1])), [letter * 1_000_000 for letter in (b"a", b"b")]
store.put("r/x.html", contents[0], "text/html")
for round in range(8):
    writer = os.fork()
    while writer == 0:
        for content in contents:
            store.put("r/x.html", content, "text/html")
    time.sleep(0.003 + 0.007 * round)
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    print(store.read("r/x.html") in contents, list(store.keys("")) == ["r/x.html"])
"""


def test_writers_killed_in_the_middle_leave_no_half_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED_WRITERS, str(tmp_path)], capture_output=True, text=True, timeout=600, check=True
    )
    assert done.stdout.splitlines() == ["True True"] * 8
