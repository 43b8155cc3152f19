"""Data that may not be copied into this repository: read from `../shared`, and skipped where a clone stands alone."""

from pathlib import Path

from _pytest.outcomes import Skipped  # pytest names it only as an attribute of a function

SHARED = Path(__file__).parents[1] / "../shared"


class NotBesideThisClone(Skipped):
    """The one reason for which a test may skip under --forbid-skips: that `../shared` lacks the whole folder."""


def beside(folder: str, name: str) -> Path:
    """`../shared/folder/name`.

    Raises:
        NotBesideThisClone: the folder is not there, and the test skips.
        FileNotFoundError: it is, and lacks the file.
    """
    path = SHARED / folder / name
    if not path.parent.is_dir():
        raise NotBesideThisClone(f"../shared/{folder} is not beside this clone")
    if not path.exists():
        raise FileNotFoundError(path)
    return path
