"""A file of responses, read and checked as a whole before anything is loaded: CSV or Parquet, the same rules.

A mistake is one sentence that names the file, the row (in CSV the line that an editor shows), the column, the value and
the remedy. Stays out: how responses are stored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from resources.errors import InvalidInput
from resources.ingest import column_values as values
from resources.ingest.csv_reader import read_csv
from resources.model import Ints

_RULES: dict[str, Callable[[values.Column], values.Checked]] = {
    "user_id": values.identifier,
    "session_id": values.identifier,
    "item_id": values.identifier,
    "correct": values.right_or_wrong,
    "answered_at": values.instant,
    "response_time_ms": values.milliseconds,
    "topic": values.label,
    "attempt_no": values.ordinal,
}
_OPTIONAL: dict[str, pa.DataType] = {
    "response_time_ms": pa.int32(),
    "topic": pa.large_string(),
    "attempt_no": pa.int32(),
}


@dataclass(frozen=True)
class ResponseFile:
    """Checked responses, sorted by user, session and time of answer; those of one instant as they stand in the file.

    `responses` has the columns user_id, session_id, item_id (text), correct (boolean, null: not answered), answered_at
    (microseconds, UTC), response_time_ms (null: not known), topic and attempt_no (null: not known). `notes` are
    sentences for the person who loads it: what was left aside, and how much.
    """

    name: str
    responses: pa.Table
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Source:
    """Where the rows come from; `lines` gives each row's line in a CSV file."""

    name: str
    lines: Sequence[int] | None = None

    def at(self, row: int) -> str:
        return f"{self.name}, row {row + 1}" if self.lines is None else f"{self.name}, line {self.lines[row]}"


def read(path: Path) -> ResponseFile:
    """The responses in a CSV or Parquet file; a timestamp without a zone is UTC.

    Raises:
        InvalidInput: the first mistake in the file, if there is one.
    """
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}", where=path, remedy="check its name.")
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PAR1" or (start and path.suffix.lower() == ".parquet"):
        header, table = _read_parquet(path)
        return _checked(header, table, _Source(path.name))
    if start.startswith((b"PK", b"\x1f\x8b", b"\xd0\xcf")):
        raise InvalidInput(
            f"{path.name} is a spreadsheet or an archive",
            where=path.name,
            remedy="export it as CSV or Parquet.",
            outcome="Nothing was loaded.",
        )
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidInput(
            f"{path.name} is UTF-16", where=path.name, remedy="save it as UTF-8.", outcome="Nothing was loaded."
        )
    header, table, lines = read_csv(path, tuple(_RULES))
    return _checked(header, table, _Source(path.name, lines))


def from_table(table: pa.Table, name: str) -> ResponseFile:
    """A table in memory under the same rules; `name` stands in the messages where a file's name would.

    Raises:
        InvalidInput: the first mistake in it, if there is one.
    """
    return _checked(table.column_names, table, _Source(name))


def _read_parquet(path: Path) -> tuple[list[str], pa.Table]:
    try:
        with pq.ParquetFile(path) as file:
            header = file.schema_arrow.names
            return header, file.read([name for name in _RULES if header.count(name) == 1])
    except (pa.ArrowException, OSError) as error:
        cause = " ".join(str(error).split())[:120]
        raise InvalidInput(
            f"{path.name} is cut off or damaged ({cause})",
            where=path.name,
            remedy="export or copy it anew.",
            outcome="Nothing was loaded.",
        ) from error


def _checked(header: list[str], table: pa.Table, source: _Source) -> ResponseFile:
    _check_header(header, source)
    if not table.num_rows:
        raise InvalidInput(
            f"{source.name} has a header and no rows",
            where=source.name,
            remedy="export it anew.",
            outcome="Nothing was loaded.",
        )
    columns: dict[str, values.Column] = {}
    notes: list[str] = []
    for name, rule in _RULES.items():
        if name not in header:
            columns[name] = pa.nulls(table.num_rows).cast(_OPTIONAL[name])
            continue
        column = table[name].combine_chunks()
        checked = rule(column)
        if checked.mistake is not None:
            row, sentence = checked.mistake
            shown = values.shown(column[row])
            raise InvalidInput(
                f"{shown} {sentence}.", where=f"{source.at(row)}, column {name}", outcome="Nothing was loaded."
            )
        columns[name] = checked.values
        notes += [f"{name}: {checked.note}."] if checked.note else []
    unused = [name for name in header if name not in _RULES]
    if unused:
        notes.insert(0, f"Columns not used: {', '.join(unused)}.")
    ordered, repeated = _in_order(pa.table(columns), source)
    if repeated:
        notes.append(f"Rows that stood there twice, alike in every column, and count once: {repeated:,}.")
    return ResponseFile(source.name, ordered, tuple(notes))


def _check_header(header: list[str], source: _Source) -> None:
    if not any(header):
        raise InvalidInput(
            f"{source.name} is empty", where=source.name, remedy="export it anew.", outcome="Nothing was loaded."
        )
    missing = [name for name in _RULES if name not in header and name not in _OPTIONAL]
    if missing:
        raise InvalidInput(
            f"{source.name} has no column {', '.join(missing)}; it has {', '.join(header)[:200]}. It "
            f"needs {', '.join(name for name in _RULES if name not in _OPTIONAL)}; "
            f"{', '.join(_OPTIONAL)} may be there.",
            where=source.name,
            outcome="Nothing was loaded.",
        )
    twice = [name for name in _RULES if header.count(name) > 1]
    if twice:
        raise InvalidInput(
            f"{source.name} has the column {twice[0]} twice",
            where=source.name,
            remedy="remove one.",
            outcome="Nothing was loaded.",
        )


def _in_order(responses: pa.Table, source: _Source) -> tuple[pa.Table, int]:
    """Rows by user, session, time of answer and place in the file, those alike left out, and how many those were.

    The place decides between answers of one instant, such as of a session with one time for all: whether a blank was
    omitted or not reached is told by what stands after it.

    Raises:
        InvalidInput: two rows give the same answer (user, session, item, instant, attempt) and differ in the rest.
    """
    identity = ["user_id", "session_id", "answered_at", "item_id", "attempt_no"]
    codes = [_ranks(responses[name].combine_chunks()) for name in identity]
    order = np.lexsort(codes[::-1])
    after, before = order[1:], order[:-1]
    again = np.logical_and.reduce([code[after] == code[before] for code in codes])
    rest = ["correct", "response_time_ms", "topic"]
    first, second = responses.select(rest).take(before[again]), responses.select(rest).take(after[again])
    for row, (one, other) in enumerate(zip(first.to_pylist(), second.to_pylist(), strict=True)):
        if one != other:
            name = next(name for name in rest if one[name] != other[name])
            places = sorted((int(before[again][row]), int(after[again][row])))
            raise InvalidInput(
                f"{source.at(places[0])} gives this answer otherwise.",
                where=f"{source.at(places[1])}, column {name}",
                remedy="Remove one of the two, or number them in attempt_no.",
                outcome="Nothing was loaded.",
            )
    once = np.sort(order[np.concatenate([[True], ~again])])
    user, session, instant, *_ = (code[once] for code in codes)
    return responses.take(once[np.lexsort((instant, session, user))]), len(order) - len(once)


def _ranks(column: values.Column) -> Ints:
    """Each value's place among the distinct ones in order; -1 for null."""
    encoded = column.dictionary_encode()
    place: Ints = np.empty(len(encoded.dictionary) + 1, np.int64)
    place[pc.sort_indices(encoded.dictionary).to_numpy()] = np.arange(len(place) - 1)
    place[-1] = -1
    ranks: Ints = place[encoded.indices.fill_null(len(place) - 1).to_numpy()]
    return ranks
