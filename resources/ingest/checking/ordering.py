"""Rows in the order of user, session, time and place, with what only several rows show: rows alike, one answer told in
two ways, one id written in two ways.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.ingest.checking.checked import Column
from resources.ingest.checking.identifiers import may_have_twins, twins
from resources.model import Ints

_IDENTITY = ("user_id", "session_id", "answered_at", "item_id", "attempt_no")
_REST = ("correct", "response_time_ms", "topic")


@dataclass(frozen=True)
class Conflict:
    """Rows `one` and `other` of a table cannot both stand, for what `column` says; `other` comes later in the file."""

    one: int
    other: int
    column: str


@dataclass(frozen=True)
class Ordered:
    """`rows` of the table given, in order, each answer once; `n_repeated` stood there twice, alike in every column;
    `n_other_topics` but for the topic, where that was allowed."""

    rows: Ints
    n_repeated: int
    n_other_topics: int
    conflicts: tuple[Conflict, ...]


def ordered(responses: pa.Table, *, topics_may_differ: bool = False) -> Ordered:
    """The place decides between answers of one instant, such as of a session with one time for all: whether a blank was
    omitted or not reached is told by what stands after it.

    Of one answer under several topics the first is kept, where those may differ.
    """
    codes = [_ranks(responses[name].combine_chunks()) for name in _IDENTITY]
    order = np.lexsort(codes[::-1])
    after, before = order[1:], order[:-1]
    again = np.logical_and.reduce([code[after] == code[before] for code in codes])
    pairs = np.sort(np.stack([before[again], after[again]]), axis=0)
    conflicts, n_other_topics = [], 0
    for place, column in _differing(responses, pairs):
        if column == "topic" and topics_may_differ:
            n_other_topics += 1
        else:
            conflicts.append(Conflict(int(pairs[0, place]), int(pairs[1, place]), column))
    once = np.sort(order[np.concatenate([[True], ~again])]) if len(order) else order
    user, session, instant, *_ = (code[once] for code in codes)
    n_repeated = len(order) - len(once) - n_other_topics - len(conflicts)
    return Ordered(once[np.lexsort((instant, session, user))], n_repeated, n_other_topics, tuple(conflicts))


def written_in_two_ways(responses: pa.Table) -> Iterator[Conflict]:
    """Users, and sessions of a user, whose ids are one but for how they are written; by the first row of each."""
    for column in ("user_id", "session_id"):
        ids = responses[column].combine_chunks()
        if not may_have_twins(ids):
            continue
        first = _first_rows(ids)
        for one, other in twins(first):
            if column == "user_id" or _share_a_user(responses, one, other):
                yield Conflict(first[one], first[other], column)


def _differing(responses: pa.Table, pairs: Ints) -> Iterator[tuple[int, str]]:
    """Which of the pairs of rows differ, and in which column first."""
    first, second = responses.select(_REST).take(pairs[0]), responses.select(_REST).take(pairs[1])
    for place, (one, other) in enumerate(zip(first.to_pylist(), second.to_pylist(), strict=True)):
        if one != other:
            yield place, next(name for name in _REST if one[name] != other[name])


def _first_rows(ids: Column) -> dict[str, int]:
    encoded: Any = ids.dictionary_encode()
    _, rows = np.unique(encoded.indices.to_numpy(), return_index=True)
    return dict(zip(encoded.dictionary.to_pylist(), rows.tolist(), strict=True))


def _share_a_user(responses: Any, one: str, other: str) -> bool:
    users: list[set[object]] = [
        set(
            responses.filter(pc.equal(responses["session_id"], pa.scalar(session_id, pa.large_string())))["user_id"]
            .unique()
            .to_pylist()
        )
        for session_id in (one, other)
    ]
    return bool(users[0] & users[1])


def _ranks(column: Column) -> Ints:
    """Each value's place among the distinct ones in order; -1 for null."""
    encoded = column.dictionary_encode()
    place: Ints = np.empty(len(encoded.dictionary) + 1, np.int64)
    place[pc.sort_indices(encoded.dictionary).to_numpy()] = np.arange(len(place) - 1)
    place[-1] = -1
    ranks: Ints = place[encoded.indices.fill_null(len(place) - 1).to_numpy()]
    return ranks
