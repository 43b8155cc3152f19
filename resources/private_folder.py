"""Folders that are their owner's alone: what lies in them are learners' answers and reports, and passwords."""

import contextlib
import stat
from collections.abc import Iterable
from pathlib import Path

_OTHERS = stat.S_IRWXO
_OWNERS = stat.S_IRWXU


def make(folder: Path) -> None:
    """`folder` is there; what had to be made of it and its parents is its owner's alone.

    Raises:
        OSError: it could not be made.
    """
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(mode=_OWNERS, exist_ok=True)


def close(folder: Path) -> None:
    """Where everybody could enter `folder` or read what lies directly in it, its owner alone can: so it was made in
    earlier releases. What a group may read was made so on purpose, and what a link leads to is somebody else's matter.
    """
    with contextlib.suppress(OSError):  # not there, or not ours to look into: who uses it says so
        if folder.stat().st_mode & stat.S_ISVTX:  # such as /tmp: everybody's
            return
        _close([folder, *folder.iterdir()])


def _close(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):  # gone by now, or another account's
            mode = path.lstat().st_mode
            if mode & _OTHERS and not stat.S_ISLNK(mode):
                path.chmod(stat.S_IMODE(mode) & _OWNERS)
