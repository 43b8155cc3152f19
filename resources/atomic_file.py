"""Files that a reader sees whole: the old one or the new one, never a part, whenever the writer is killed.

A file is written beside its place under a hidden name, then renamed into it. Stays out: making folders.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_PART = ".part"
_ABANDONED_S = 3600  # a write takes milliseconds: what is an hour old was left by a process that was killed


def write(path: Path, content: bytes, *, mode: int = 0o666, durable: bool = False) -> None:
    """`path` holds `content` now, in place of an earlier file.

    `mode` are the new file's permissions, less the process's umask. A `durable` file also outlives a power cut: it is
    on the disk when this returns, which takes some milliseconds.

    Raises:
        OSError: it could not be written, and an earlier file is as it was. FileNotFoundError: there is no such folder.
    """
    part = _written(path, content, mode, durable)
    try:
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if durable:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the rename itself
        finally:
            os.close(folder)


@contextlib.contextmanager
def in_pieces(path: Path) -> Iterator[IO[bytes]]:
    """A file for what is too large to hold: `path` is it once the block has ended, and as it was if the block fails.

    Raises: as `write`.
    """
    part = _part(path)
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def create(path: Path, content: bytes, *, mode: int = 0o666) -> bool:
    """Whether `path` is new with `content`; an earlier file stays as it is. Of two processes at once, one wins.

    Raises: as `write`.
    """
    part = _written(path, content, mode, durable=False)
    try:
        path.hardlink_to(part)
    except FileExistsError:
        return False
    finally:
        part.unlink()
    return True


def remove_abandoned(path: Path) -> None:
    """What killed writers of `path` left beside it, once it is an hour old."""
    for part in path.parent.glob(f".{path.name}.*{_PART}"):
        with contextlib.suppress(FileNotFoundError):  # another writer does the same
            if time.time() - part.stat().st_mtime > _ABANDONED_S:
                part.unlink()


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}{_PART}")


def _written(path: Path, content: bytes, mode: int, durable: bool) -> Path:
    """A whole new file beside `path`."""
    part = _part(path)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part
