"""A file of items, read and checked as a whole: what people call them, and where they are to be found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.errors import InvalidInput
from resources.ingest.checked import Checked, Column, Fault, shown, where
from resources.ingest.csv_reader import CsvReader
from resources.ingest.faults import NOTHING_LOADED, Faults, Mistake
from resources.ingest.identifiers import identifier, label
from resources.ingest.layout import require_content
from resources.ingest.parquet_reader import ParquetReader
from resources.ingest.sources import SourceFile, find, is_parquet, opened

_Place: TypeAlias = tuple[int, int, str]  # file, place in it, and both in words
COLUMNS = ("item_id", "title", "topic", "url", "exam", "key")


@dataclass(frozen=True)
class ItemsFile:
    """`rows` have all columns, None where nothing is told; `unused` are the file's other columns."""

    name: str
    rows: Sequence[dict[str, str | None]]
    unused: Sequence[str]


def read_items(typed: str, encoding: str | None = None) -> ItemsFile:
    """The items of a CSV or Parquet file, each once.

    Raises:
        InvalidInput: the mistakes in it, if there are any.
    """
    source = find(typed)
    faults, rows, unused = Faults(source.name), dict[str, dict[str, str | None]](), dict[str, None]()
    for number, file in enumerate(source.files):
        for place, row in _rows(number, file, encoding, faults, unused):
            item = str(row["item_id"])
            if rows.setdefault(item, row) != row:
                what = f"{item!r} is told otherwise before. Keep one row of an item."
                faults.add("column item_id: it is told otherwise before", 1, [Mistake(*place, what)])
    faults.check()
    if not rows:
        raise InvalidInput(f"{source.name} has a header and no rows", where=source.name, outcome=NOTHING_LOADED)
    return ItemsFile(source.name, list(rows.values()), list(unused))


def _rows(
    number: int, file: SourceFile, encoding: str | None, faults: Faults, unused: dict[str, None]
) -> Iterator[tuple[_Place, dict[str, str | None]]]:
    unit = "row" if is_parquet(file) else "line"

    def at(place: int) -> _Place:
        return number, place, f"{file.name}, {unit} {place}"

    def complain(place: int, kind: str, what: str) -> None:
        faults.add(kind, 1, [Mistake(*at(place), what)])

    with opened(file) as (stream, _):
        reader: CsvReader | ParquetReader = (
            ParquetReader(file.name, stream) if unit == "row" else CsvReader(file.name, stream, encoding, complain)
        )
        wanted = _wanted(reader.header, file.name)
        unused |= dict.fromkeys(name for name in reader.header if name not in wanted)
        for table, places in reader.tables(wanted):
            at_places = [at(place) for place in places.tolist()]
            yield from zip(at_places, _checked(table, at_places, faults), strict=True)


def _wanted(header: Sequence[str], name: str) -> list[str]:
    require_content(header, name)
    wanted = [column for column in COLUMNS if column in header]
    twice = [column for column in wanted if header.count(column) > 1]
    if "item_id" not in wanted or twice:
        fault = f"the column {twice[0]} twice" if twice else "no column item_id"
        raise InvalidInput(
            f"{name} has {fault}; it has {', '.join(header)[:200]}. Beside item_id there may be "
            f"{', '.join(COLUMNS[1:])}.",
            where=name,
            outcome=NOTHING_LOADED,
        )
    return wanted


def _checked(table: Any, at: Sequence[_Place], faults: Faults) -> list[dict[str, str | None]]:
    columns: dict[str, Column] = {}
    for name in COLUMNS:
        if name not in table.column_names:
            columns[name] = pa.nulls(table.num_rows).cast(pa.large_string())
            continue
        given = table[name].combine_chunks()
        checked = {"item_id": identifier, "url": _address}.get(name, label)(given)
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


def _address(column: Column) -> Checked:
    """A label that a report may lead to: nothing that acts, such as `javascript:`."""
    checked = label(column)
    none = where(pc.is_valid(checked.values)) & ~where(
        pc.match_substring_regex(checked.values, r"^https?://[^\s\"<>]+$")
    )
    return Checked(checked.values, (*checked.faults, Fault(none, "is no address: write it with https:// before it")))
