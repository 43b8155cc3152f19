"""What turns an export's rows into responses under our names, as text; and what presets have in common."""

import csv
import io
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from resources.errors import InvalidInput
from resources.ingest.checking.faults import NOTHING_LOADED
from resources.ingest.reading.layout import require_content
from resources.ingest.reading.sources import Source, SourceFile, opened
from resources.model import Ints

Texts = list[str | None]


class Preset(Protocol):
    """`Layout` is the plain one. `notes` are sentences with `{n}` and how often each applies."""

    @property
    def encoding(self) -> str | None: ...

    @property
    def topics_may_differ(self) -> bool: ...

    @property
    def notes(self) -> Counter[str]: ...

    def begin(self, source: Source) -> None:
        """Look at the files that are `is_aside`."""

    def is_aside(self, file: SourceFile) -> bool:
        """Whether the file holds no responses but what is needed to read others, or nothing of use."""

    def wanted(self, header: Sequence[str], file: SourceFile) -> list[str]:
        """The names of the file's columns that are read. Raises InvalidInput where it is no such export."""

    def responses(self, table: pa.Table, places: Ints, file: SourceFile) -> tuple[pa.Table, Ints]:
        """The wanted columns as ours, and each row's place."""


class Export(ABC):
    """A preset of a system's own export."""

    name: str
    columns: tuple[str, ...]
    encoding: str | None = None
    topics_may_differ = False

    def __init__(self) -> None:
        self.notes: Counter[str] = Counter()

    def begin(self, source: Source) -> None:  # noqa: B027 - most need no look
        """Nothing stands aside."""

    def is_aside(self, file: SourceFile) -> bool:
        return False

    def wanted(self, header: Sequence[str], file: SourceFile) -> list[str]:
        require_content(header, file.name)
        missing = [column for column in self.columns if column not in header]
        if missing:
            raise self.refusal(file, f"has no column {', '.join(missing)}", header)
        return list(self.columns)

    @abstractmethod
    def responses(self, table: pa.Table, places: Ints, file: SourceFile) -> tuple[pa.Table, Ints]:
        """As `Preset.responses`."""

    def refusal(self, file: SourceFile, fault: str, header: Sequence[str]) -> InvalidInput:
        return InvalidInput(
            f"{file.name} {fault}; it has {', '.join(header)[:200]}. It is no export that --preset {self.name} reads.",
            where=file.name,
            outcome=NOTHING_LOADED,
        )


def texts(table: pa.Table, column: str) -> Texts:
    found: Any = table[column]
    values: Texts = found.cast(pa.large_string()).to_pylist()
    return values


def chosen(columns: dict[str, Texts], places: Ints, kept: Sequence[bool] | None = None) -> tuple[pa.Table, Ints]:
    """Columns of ours, of the rows that are kept."""
    rows: Any = pa.table({name: pa.array(values, pa.large_string()) for name, values in columns.items()})
    if kept is None:
        return rows, places
    mask = np.array(kept, bool)
    return rows.filter(pa.array(mask)), places[mask]


def small_table(file: SourceFile, wanted: Sequence[str]) -> list[dict[str, str]]:
    """A CSV file that stands aside, whole.

    Raises:
        InvalidInput: it lacks one of the `wanted` columns, or is not UTF-8.
    """
    with opened(file) as (stream, _):
        try:
            rows = list(csv.DictReader(io.StringIO(stream.read().decode("utf-8-sig"), newline="")))
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{file.name} is not UTF-8", where=file.name, remedy="save it as UTF-8.") from error
    if not rows or any(name not in rows[0] for name in wanted):
        raise InvalidInput(
            f"{file.name} needs the columns {', '.join(wanted)}", where=file.name, outcome=NOTHING_LOADED
        )
    return rows


def aside(source: Source, file_name: str, preset: str) -> SourceFile:
    """The file of that name in the folder.

    Raises:
        InvalidInput: there is none.
    """
    for file in source.files:
        if file.path.name == file_name:
            return file
    raise InvalidInput(
        f"{source.name} has no {file_name}", where=source.name,
        remedy=f"put it beside the answers, and name the folder: --preset {preset} needs both.", outcome=NOTHING_LOADED,
    )  # fmt: skip


def full_marks_or_not(points: str | None, full: float, notes: Counter[str]) -> str | None:
    """1 for full marks, 0 for less, nothing for `-`; what is no number stays, for the rules to refuse."""
    if points is None or points.strip() in ("", "-"):
        return None
    try:
        got = float(points.replace(",", "."))
    except ValueError:
        return points
    notes["Answers with part of the marks, which count as wrong: {n}."] += 0 < got < full
    return "1" if got >= full else "0"
