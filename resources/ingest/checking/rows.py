"""Rows on their way from files to a load: each column by its rule, then what only several rows together show."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.errors import InvalidInput
from resources.ingest.buckets import Buckets
from resources.ingest.checking import column_values as values
from resources.ingest.checking.checked import Checked, Column, Fault, shown
from resources.ingest.checking.faults import NOTHING_LOADED, Faults, Mistake
from resources.ingest.checking.identifiers import cut_to_15_digits, identifier, label, loosely, one_way
from resources.ingest.checking.instants import instant
from resources.ingest.checking.ordering import Conflict, ordered, written_in_two_ways
from resources.model import Ints

_RULES: dict[str, tuple[Callable[[Column], Checked], pa.DataType]] = {
    "user_id": (identifier, pa.large_string()),
    "session_id": (identifier, pa.large_string()),
    "item_id": (identifier, pa.large_string()),
    "correct": (values.right_or_wrong, pa.bool_()),
    "answered_at": (instant, pa.timestamp("us", "UTC")),
    "response_time_ms": (values.milliseconds, pa.int32()),
    "topic": (label, pa.large_string()),
    "attempt_no": (values.ordinal, pa.int32()),
}
_SURELY_CUT = 4  # ids: by chance one in 10,000 times
_STAGED = pa.schema([
    *((name, kind) for name, (_, kind) in _RULES.items()), ("file", pa.int32()), ("place", pa.int64()),
])  # fmt: skip


@dataclass(frozen=True)
class _File:
    name: str
    unit: str  # of a place in it: `line` or `row`


class Checking:
    """One load's rows: `begin` a file, `take` its tables, and `finish`."""

    def __init__(self, name: str, *, topics_may_differ: bool = False) -> None:
        self._name = name
        self._topics_may_differ = topics_may_differ
        self._files: list[_File] = []
        self._faults = Faults(name)
        self._buckets = Buckets(_STAGED)
        self._notes: Counter[str] = Counter()
        self._unused: dict[str, None] = {}
        self._items: dict[str, tuple[int, int]] = {}  # where each was seen first
        self._alike: Counter[str] = Counter()  # ids that differ from another in case or leading zeros only, by column
        self._examples: dict[str, str] = {}
        self._long: dict[str, Counter[bool]] = defaultdict(
            Counter
        )  # ids of more than 15 digits, by whether they are cut
        self._first: dt.datetime | None = None
        self._last: dt.datetime | None = None
        self.n_taken = 0
        self.n_stored = 0

    def begin(self, name: str, unit: str) -> None:
        self._files.append(_File(name, unit))

    def leave_aside(self, columns: Iterable[str]) -> None:
        self._unused |= dict.fromkeys(columns)

    def note(self, counts: Mapping[str, int]) -> None:
        """Sentences with `{n}`, and how many rows each is true of."""
        self._notes.update(counts)

    def complain(self, place: int, kind: str, what: str) -> None:
        """Of a row of the file that was begun last: it is none."""
        number = len(self._files) - 1
        self._faults.add(kind, 1, [Mistake(number, place, self._at(number, place), what)])

    def take(self, rows: pa.Table, places: Ints) -> None:
        """Rows of the file that was begun last, under our names of columns; each at its place there."""
        number = len(self._files) - 1
        self.n_taken += rows.num_rows
        columns: dict[str, Column] = {}
        faulty = np.zeros(rows.num_rows, bool)
        for name, (rule, kind) in _RULES.items():
            if name not in rows.column_names:
                columns[name] = pa.nulls(rows.num_rows).cast(kind)
                continue
            column = rows[name].combine_chunks()
            checked = rule(column)
            columns[name] = checked.values
            for note, n in checked.notes.items():
                self._notes[f"{name}: {{n}} rows were {note}."] += n
            at_fault = np.zeros(rows.num_rows, bool)
            for fault in checked.faults:
                self._add(number, places, name, column, Fault(fault.rows & ~at_fault, fault.says))
                at_fault |= fault.rows
            faulty |= at_fault
        if self._faults.total and faulty.any():
            kept = pa.array(~faulty)
            if any(len(column) != rows.num_rows or column.type != _RULES[name][1] for name, column in columns.items()):
                return  # a column of a wrong type: there are no values to go on with
            columns = {name: column.filter(kept) for name, column in columns.items()}
            places = places[~faulty]
        self._remember_items(columns["item_id"], number, places)
        self._buckets.put(pa.table(columns | {
            "file": pa.array(np.full(len(places), number, np.int32)), "place": pa.array(places),
        }))  # fmt: skip

    def finish(self) -> tuple[Buckets, dt.datetime, dt.datetime, tuple[str, ...]]:
        """The rows by learner and in order; the first and the last instant; and what the person should know.

        Raises:
            InvalidInput: all that is wrong.
        """
        if not self.n_taken and not self._faults.total:
            raise InvalidInput(
                f"{self._name} has a header and no rows", where=self._name, remedy="export it anew.",
                outcome=NOTHING_LOADED,
            )  # fmt: skip
        self._look_at_items()
        self._buckets.rewrite(self._in_order)
        self._look_at_long_ids()
        self._faults.check()
        assert self._first is not None and self._last is not None  # noqa: S101, PT018 - there are rows
        return self._buckets, self._first, self._last, tuple(self._sentences())

    def _add(self, number: int, places: Ints, name: str, column: Column, fault: Fault) -> None:
        rows = np.flatnonzero(fault.rows)
        if len(rows):
            self._faults.add(
                f"column {name}: {fault.says}",
                len(rows),
                (
                    Mistake(
                        number, int(places[row]), f"{self._at(number, int(places[row]))}, column {name}",
                        f"{shown(column[int(row)])} {fault.says}.",
                    )
                    for row in rows
                ),
            )  # fmt: skip

    def _in_order(self, rows: Any) -> Any:
        rows = rows.combine_chunks()
        for conflict in written_in_two_ways(rows):
            one, other = (self._row(rows, row, conflict.column) for row in (conflict.one, conflict.other))
            self._two_ways(conflict.column, one, other)
        self._look_for_alike("user_id", rows["user_id"].unique().to_pylist())
        order = ordered(rows, topics_may_differ=self._topics_may_differ)
        for conflict in order.conflicts:
            self._otherwise(rows, conflict)
        self._notes["Rows that stood there twice, alike in every column, and count once: {n}."] += order.n_repeated
        self._notes["Rows of one answer under several topics, of which the first counts: {n}."] += order.n_other_topics
        if len(order.rows):
            times: Any = pc.min_max(rows["answered_at"]).as_py()
            self._first = min(self._first or times["min"], times["min"])
            self._last = max(self._last or times["max"], times["max"])
        self.n_stored += len(order.rows)
        return rows.select(list(_RULES)).take(order.rows)

    def _otherwise(self, rows: pa.Table, conflict: Conflict) -> None:
        _, file, place = self._row(rows, conflict.one, conflict.column)
        _, other_file, other_place = self._row(rows, conflict.other, conflict.column)
        first = self._at(file, place)
        if conflict.column == "topic":
            says, remedy = "gives this answer under another topic.", "Keep one row of an answer, with one topic."
        else:
            says, remedy = "gives this answer otherwise.", "Remove one of the two, or number them in attempt_no."
        what, where = f"{first} {says}", f"{self._at(other_file, other_place)}, column {conflict.column}"
        kind = f"column {conflict.column}: another row {says} {remedy}"
        self._faults.add(kind, 1, [Mistake(other_file, other_place, where, what, remedy)])

    def _two_ways(self, column: str, one: tuple[str, int, int], other: tuple[str, int, int]) -> None:
        (first, *its_place), (second, file, place) = sorted((one, other), key=lambda of: of[1:])
        says = "is another id written differently"
        what = f"{second!a} {says}: {first!a}, {self._at(*its_place)}. Write it in one way."
        self._faults.add(
            f"column {column}: {says}", 1, [Mistake(file, place, f"{self._at(file, place)}, column {column}", what)]
        )

    def _remember_items(self, items: Any, number: int, places: Ints) -> None:
        encoded = items.dictionary_encode()
        _, rows = np.unique(encoded.indices.to_numpy(), return_index=True)
        for item, row in zip(encoded.dictionary.to_pylist(), rows.tolist(), strict=True):
            if item not in self._items:
                self._items[item] = (number, int(places[row]))

    def _look_at_items(self) -> None:
        first: dict[str, str] = {}
        for item in self._items:
            known = first.setdefault(one_way(item), item)
            if known != item:
                self._two_ways("item_id", (known, *self._items[known]), (item, *self._items[item]))
        self._look_for_alike("item_id", self._items)

    def _look_for_alike(self, column: str, ids: Iterable[str]) -> None:
        first: dict[str, str] = {}
        for text in ids:
            if (cut := cut_to_15_digits(text)) is not None:
                self._long[column][cut] += 1
            known = first.setdefault(loosely(text), text)
            if known != text:
                self._alike[column] += 1
                self._examples.setdefault(column, f"{known!r} and {text!r}")

    def _look_at_long_ids(self) -> None:
        """One of ten numbers ends in 0; where all of several do, a spreadsheet has rounded them."""
        for column, long in self._long.items():
            if long[True] >= _SURELY_CUT and not long[False]:
                what = (
                    f"all {long[True]:,} ids of more than 15 digits have only zeros after those: a spreadsheet has "
                    "rounded them. Export the ids as text."
                )
                where = f"{self._name}, column {column}"
                self._faults.add(f"column {column}: {what}", 1, [Mistake(len(self._files), 0, where, what)])

    def _row(self, rows: Any, row: int, column: str) -> tuple[str, int, int]:
        return str(rows[column][row].as_py()), rows["file"][row].as_py(), rows["place"][row].as_py()

    def _at(self, number: int, place: int) -> str:
        return f"{self._files[number].name}, {self._files[number].unit} {place}"

    def _sentences(self) -> Iterable[str]:
        if self._unused:
            yield f"Columns not used: {', '.join(self._unused)}."
        for note, n in self._notes.items():
            if n:
                yield note.format(n=f"{n:,}")
        for column, n in self._alike.items():
            yield (
                f"{column}: {n:,} ids differ from another only in case, blanks or leading zeros, such as "
                f"{self._examples[column]}; they count as different."
            )
