"""What was typed -> the files that are meant: a file, a folder with all that is in it, or a pattern; packed or not."""

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from resources.errors import InvalidInput
from resources.ingest.checking.faults import NOTHING_LOADED

_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
_ARCHIVES = (b"PK", b"\xd0\xcf", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ", b"Rar!")


@dataclass(frozen=True)
class SourceFile:
    """`name` is how messages call it."""

    path: Path
    name: str

    @property
    def size(self) -> int:
        return self.path.stat().st_size


@dataclass(frozen=True)
class Source:
    """Files that are loaded as one: a session may lie in several of them."""

    name: str
    files: Sequence[SourceFile]


def find(typed: str) -> Source:
    """One file, a folder's files (not those that begin with `.` or `_`), or those that match a pattern, by name.

    Raises:
        InvalidInput: there is none.
    """
    path = Path(typed)
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if file.is_file() and not _hidden(file.relative_to(path)))
        if not inside:
            raise InvalidInput(f"The folder {path} has no files", where=path, remedy="check its name.")
        name = path.resolve().name
        return Source(name, [SourceFile(file, f"{name}/{file.relative_to(path)}") for file in inside])
    if not path.exists() and glob.has_magic(typed):
        matching = sorted(Path(file) for file in glob.glob(typed, recursive=True) if Path(file).is_file())  # noqa: PTH207 - an absolute pattern, too
        if not matching:
            raise InvalidInput(f"No file matches {typed}", where=typed, remedy="check the pattern.")
        return Source(typed, [SourceFile(file, file.name) for file in matching])
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}", where=path, remedy="check its name.")
    return Source(path.name, [SourceFile(path, path.name)])


def _hidden(inside: Path) -> bool:
    return any(part.startswith((".", "_")) for part in inside.parts)


@contextmanager
def opened(file: SourceFile) -> Iterator[tuple[Any, IO[bytes]]]:
    """The file's bytes, unpacked; and the file as it lies there, whose `tell` says how far it was read.

    Raises:
        InvalidInput: it is cut off, or packed in a way that is not read here.
    """
    with file.path.open("rb") as raw:
        start = raw.read(6)
        raw.seek(0)
        if start.startswith(_ARCHIVES):
            raise InvalidInput(
                f"{file.name} is a spreadsheet or an archive", where=file.name,
                remedy="export it as CSV or Parquet (packed by gzip or zstd, if you like).", outcome=NOTHING_LOADED,
            )  # fmt: skip
        if not start.startswith((_GZIP, _ZSTD)):
            yield raw, raw
            return
        try:
            with pa.input_stream(raw, compression="gzip" if start.startswith(_GZIP) else "zstd") as unpacked:
                yield unpacked, raw
        except OSError as error:
            if error.errno is not None:
                raise
            raise damaged(file.name, error) from error


def is_parquet(file: SourceFile) -> bool:
    """A name that says so and a content that does not is a damaged file; an empty one is just empty."""
    with file.path.open("rb") as raw:
        start = raw.read(4)
    return start == _PARQUET or (bool(start) and file.path.suffix.lower() == ".parquet")


def start(file: SourceFile) -> bytes:
    """The first bytes of the file, unpacked."""
    with opened(file) as (stream, _):
        return bytes(stream.read(100))


def damaged(name: str, error: Exception) -> InvalidInput:
    cause = " ".join(str(error).split())[:120]
    return InvalidInput(
        f"{name} is cut off or damaged ({cause})",
        where=name,
        remedy="export or copy it anew.",
        outcome=NOTHING_LOADED,
    )
