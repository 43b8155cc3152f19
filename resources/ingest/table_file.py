"""A small file that tells something of items or of people, read and checked as a whole: each thing once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from resources.errors import InvalidInput
from resources.ingest.checking.checked import Checked, Column, shown
from resources.ingest.checking.faults import NOTHING_LOADED, Faults, Mistake
from resources.ingest.checking.identifiers import label
from resources.ingest.reading.csv_reader import CsvReader
from resources.ingest.reading.layout import require_content
from resources.ingest.reading.parquet_reader import ParquetReader
from resources.ingest.reading.sources import SourceFile, find, is_parquet, opened

_Place: TypeAlias = tuple[int, int, str]  # file, place in it, and both in words


@dataclass(frozen=True)
class Kind:
    """Columns that such a file may have; of those the `key` must be there, and tells one row from another, of which
    `keep_one` is said where two contradict. What is not in `checks` is a label."""

    columns: tuple[str, ...]
    key: tuple[str, ...]
    checks: Mapping[str, Callable[[Column], Checked]]
    keep_one: str


@dataclass(frozen=True)
class TableFile:
    """`rows` have all columns, None where nothing is told; `unused` are the file's other columns."""

    name: str
    rows: Sequence[dict[str, str | None]]
    unused: Sequence[str]


def read_table(typed: str, kind: Kind, encoding: str | None = None) -> TableFile:
    """The rows of a CSV or Parquet file, each key once.

    Raises:
        InvalidInput: the mistakes in it, if there are any.
    """
    source = find(typed)
    faults, rows, unused = Faults(source.name), dict[tuple[str, ...], dict[str, str | None]](), dict[str, None]()
    for number, file in enumerate(source.files):
        for place, row in _rows(number, file, kind, encoding, faults, unused):
            key = tuple(str(row[name]) for name in kind.key)
            if rows.setdefault(key, row) != row:
                what = f"{key[-1]!r} is told otherwise before. {kind.keep_one}"
                faults.add(f"column {kind.key[-1]}: it is told otherwise before", 1, [Mistake(*place, what)])
    faults.check()
    if not rows:
        raise InvalidInput(f"{source.name} has a header and no rows", where=source.name, outcome=NOTHING_LOADED)
    return TableFile(source.name, list(rows.values()), list(unused))


def _rows(
    number: int, file: SourceFile, kind: Kind, encoding: str | None, faults: Faults, unused: dict[str, None]
) -> Iterator[tuple[_Place, dict[str, str | None]]]:
    unit = "row" if is_parquet(file) else "line"

    def at(place: int) -> _Place:
        return number, place, f"{file.name}, {unit} {place}"

    def complain(place: int, fault: str, what: str) -> None:
        faults.add(fault, 1, [Mistake(*at(place), what)])

    with opened(file) as (stream, _):
        reader: CsvReader | ParquetReader = (
            ParquetReader(file.name, stream) if unit == "row" else CsvReader(file.name, stream, encoding, complain)
        )
        wanted = _wanted(reader.header, kind, file.name)
        unused |= dict.fromkeys(name for name in reader.header if name not in wanted)
        for table, places in reader.tables(wanted):
            at_places = [at(place) for place in places.tolist()]
            yield from zip(at_places, _checked(table, kind, at_places, faults), strict=True)


def _wanted(header: Sequence[str], kind: Kind, name: str) -> list[str]:
    require_content(header, name)
    wanted = [column for column in kind.columns if column in header]
    twice = [f"the column {column} twice" for column in wanted if header.count(column) > 1]
    absent = [f"no column {column}" for column in kind.key if column not in wanted]
    for fault in (*absent, *twice):
        others = ", ".join(column for column in kind.columns if column not in kind.key)
        raise InvalidInput(
            f"{name} has {fault}; it has {', '.join(header)[:200]}. Beside {' and '.join(kind.key)} there may be "
            f"{others}.",
            where=name,
            outcome=NOTHING_LOADED,
        )
    return wanted


def _checked(table: Any, kind: Kind, at: Sequence[_Place], faults: Faults) -> list[dict[str, str | None]]:
    columns: dict[str, Column] = {}
    for name in kind.columns:
        there = name in table.column_names
        given = table[name].combine_chunks() if there else pa.nulls(table.num_rows, pa.large_string())
        checked = kind.checks.get(name, label)(given)
        columns[name] = checked.values
        for fault in checked.faults:
            rows = np.flatnonzero(fault.rows).tolist()
            if rows:
                faults.add(
                    f"column {name}: {fault.says}",
                    len(rows),
                    (
                        Mistake(*at[row][:2], f"{at[row][2]}, column {name}", f"{shown(given[row])} {fault.says}.")
                        for row in rows
                    ),
                )
    found: list[dict[str, str | None]] = pa.table(columns).to_pylist()
    return found
