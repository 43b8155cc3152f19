import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from resources.artifacts.folder import FolderStore
from resources.artifacts.store import ArtifactStore, report_key
from resources.errors import ArtifactMissing, FixTheData
from resources.model import Week

KEY = "reports/2025-01-06/u1/weekly_report.html"
HTML = "text/html; charset=utf-8"


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return FolderStore(tmp_path / "arti facts")


def test_what_is_put_can_be_read_at_a_stable_address(store: ArtifactStore, tmp_path: Path) -> None:
    url = store.put(KEY, b"one", HTML)
    assert url == (tmp_path / "arti facts" / KEY).as_uri()
    assert store.put(KEY, b"two", HTML) == url
    assert store.read(KEY) == b"two"
    assert store.sha256(KEY) == hashlib.sha256(b"two").hexdigest()


def test_the_same_content_is_not_written_again(store: ArtifactStore, tmp_path: Path) -> None:
    store.put(KEY, b"one", HTML)
    path = tmp_path / "arti facts" / KEY
    before = path.stat()
    store.put(KEY, b"one", HTML)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    store.put(KEY, b"two", HTML)
    assert path.stat().st_ino != before.st_ino


def test_what_is_missing_is_told(store: ArtifactStore) -> None:
    assert store.sha256(KEY) is None
    with pytest.raises(ArtifactMissing, match="weekly_report"):
        store.read(KEY)
    store.delete(KEY)


def test_keys_lists_whole_files_below_a_folder(store: ArtifactStore, tmp_path: Path) -> None:
    assert list(store.keys("")) == []
    for key in ("reports/b/x.html", "reports/a/x.html", "reports-old/x.html"):
        store.put(key, b"x", HTML)
    (tmp_path / "arti facts/reports/a/.x.html.0123.part").write_bytes(b"half")
    assert list(store.keys("reports")) == ["reports/a/x.html", "reports/b/x.html"]
    assert len(list(store.keys(""))) == 3
    store.delete("reports/a/x.html")
    assert list(store.keys("reports")) == ["reports/b/x.html"]


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", ".hidden", "a/.part", "a\\b", "a\nb", "a b", "ä", "."]
)
def test_a_key_that_leaves_the_store_or_needs_quoting_is_refused(store: ArtifactStore, key: str) -> None:
    for act in (lambda: store.put(key, b"x", HTML), lambda: store.read(key), lambda: store.delete(key)):
        with pytest.raises(FixTheData, match="no key"):
            act()


@pytest.mark.parametrize("user_id", ["../../etc/passwd", "Ünal/ada", ".", "u" * 500, "a|b", "\x00", "synthetic-ada"])
def test_every_user_id_has_a_key_of_its_own(user_id: str) -> None:
    key = report_key(Week.parse("2025-01-06"), user_id, "weekly_report.html")
    assert key.startswith("reports/2025-01-06/")
    assert key.count("/") == 3
    assert key != report_key(Week.parse("2025-01-06"), user_id + "x", "weekly_report.html")


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
        [sys.executable, "-c", KILLED_WRITERS, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == ["True True"] * 8
