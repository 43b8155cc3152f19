"""Files that are there whole or not at all."""

import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resources import atomic_file

OLD, NEW = b"old", b"new, and longer"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "settings.env"
    path.write_bytes(OLD)
    return path


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("durable", [False, True])
def test_the_new_file_takes_the_old_ones_place_and_leaves_nothing_beside_it(path, durable):
    atomic_file.write(path, NEW, durable=durable)
    assert path.read_bytes() == NEW
    assert files(path.parent) == [path.name]


@pytest.mark.parametrize("fails", ["replace", "fdopen"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(path, monkeypatch, fails):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((Path, "replace") if fails == "replace" else (os, "fdopen")), full)
    with pytest.raises(OSError, match="No space"):
        atomic_file.write(path, NEW)
    assert path.read_bytes() == OLD
    assert files(path.parent) == [path.name]


def test_a_file_written_in_pieces_takes_the_old_ones_place_only_once_it_is_whole(path):
    with atomic_file.in_pieces(path) as file:
        file.write(NEW)
        assert path.read_bytes() == OLD
    assert path.read_bytes() == NEW
    with pytest.raises(ZeroDivisionError), atomic_file.in_pieces(path) as file:
        file.write(OLD)
        _ = 1 / 0
    assert path.read_bytes() == NEW
    assert files(path.parent) == [path.name]


def test_a_reader_of_a_file_that_is_written_again_and_again_sees_whole_ones(path):
    contents = [bytes([65 + n]) * (1 << 18) for n in range(2)]
    atomic_file.write(path, contents[0])
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lambda: [atomic_file.write(path, contents[n % 2]) for n in range(200)])
        seen = {path.read_bytes() for _ in range(200)}
        writing.result()
    assert seen <= set(contents)


def test_a_killed_writer_leaves_the_old_file(path):
    code = (
        "import os, signal, sys; from pathlib import Path; from resources import atomic_file\n"
        "Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"atomic_file.write(Path({str(path)!r}), b'new')"
    )
    killed = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_bytes() == OLD
    (left,) = set(files(path.parent)) - {path.name}
    atomic_file.remove_abandoned(path)
    assert left in files(path.parent)  # somebody may be writing it
    hours_ago = time.time() - 7200
    os.utime(path.with_name(left), (hours_ago, hours_ago))
    atomic_file.remove_abandoned(path)
    assert files(path.parent) == [path.name]


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_permissions_are_those_from_the_first_byte_on(path, mode):
    atomic_file.write(path, NEW, mode=mode)
    assert stat.S_IMODE(path.stat().st_mode) == mode & ~umask()
    other = path.with_name("private.pem")
    assert atomic_file.create(other, NEW, mode=mode)
    assert stat.S_IMODE(other.stat().st_mode) == mode & ~umask()


def test_of_many_who_create_a_file_one_wins_and_the_others_leave_it(tmp_path):
    path = tmp_path / "private.pem"
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: atomic_file.create(path, bytes([n])), range(8)))
    assert won.count(True) == 1
    assert path.read_bytes() == bytes([won.index(True)])
    assert files(tmp_path) == [path.name]


def test_a_missing_folder_is_the_callers_matter(tmp_path):
    with pytest.raises(FileNotFoundError):
        atomic_file.write(tmp_path / "nowhere" / "x", NEW)


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
