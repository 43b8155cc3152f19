"""Answers of many users as arrays: what scoring, calibration, reports and the cohort all read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from resources.errors import InvalidInput
from resources.model import Floats, Instants, Ints, Responses

if TYPE_CHECKING:  # the API makes answers of no table, and Arrow takes 30 MB
    import pyarrow as pa

    Column: TypeAlias = pa.ChunkedArray[Any]
    Lists: TypeAlias = pa.ListArray[Any]

Rows = Ints | NDArray[np.bool_]


@dataclass(frozen=True)
class Answers(Responses):
    """Answers as they were given, repeats and skips included; the order of the rows carries no meaning.

    As `Responses`, and per row, each of shape (n,): `completed_at` in UTC (datetime64[us]); `attempt_no` counts from 1;
    `session` and `topic` index `session_ids` (ascending) and `topic_ids`, -1 without one; `response_time_ms` and
    `hint_used` (1 or 0) are NaN where they were not recorded. `omitted` is 1 for a question that was passed over, 0 for
    one that was not reached, NaN for an answer or where it is not known (see `blanks`). Parts of one whole share its
    ids.
    """

    session_ids: tuple[str, ...]
    topic_ids: tuple[str, ...]
    completed_at: Instants
    attempt_no: Ints
    session: Ints
    topic: Ints
    response_time_ms: Floats
    hint_used: Floats
    omitted: Floats

    @classmethod
    def from_table(cls, table: "pa.Table") -> Self:
        """From the columns of `schema.SCHEMA`.

        Raises:
            InvalidInput: an answer without an instant: it belongs to no week.
        """
        if table["completed_at"].null_count:
            raise InvalidInput("An answer has no completed_at: it belongs to no week, and must not be in this one.")
        user, user_ids = _encoded(table["user_id"])
        item, item_keys = _encoded(table["item_key"])
        topic, topic_ids = _encoded(table["topic_id"])
        session, session_ids = ascending(*_encoded(table["session_id"]))
        return cls(
            user_ids=user_ids, item_keys=item_keys, user=user, item=item, correct=_floats(table["correct"]),
            session_ids=session_ids, topic_ids=topic_ids,
            completed_at=table["completed_at"].to_numpy().astype("datetime64[us]"),
            attempt_no=table["attempt_no"].to_numpy().astype(np.int64), session=session, topic=topic,
            response_time_ms=_floats(table["response_time_ms"]), hint_used=_floats(table["hint_used"]),
            omitted=_floats(table["omitted"]),
        )  # fmt: skip

    def __len__(self) -> int:
        return self.user.size

    def take(self, rows: Rows) -> Self:
        """These rows, in this order; or where a mask is true."""
        return replace(
            self, user=self.user[rows], item=self.item[rows], correct=self.correct[rows],
            completed_at=self.completed_at[rows], attempt_no=self.attempt_no[rows], session=self.session[rows],
            topic=self.topic[rows], response_time_ms=self.response_time_ms[rows], hint_used=self.hint_used[rows],
            omitted=self.omitted[rows],
        )  # fmt: skip

    def of_users(self, user_ids: Sequence[str]) -> Self:
        """The answers of these users, who are distinct; `user` is their place here. Some may have none."""
        place = {user_id: i for i, user_id in enumerate(user_ids)}
        user = np.array([place.get(user_id, -1) for user_id in self.user_ids], np.int64)[self.user]
        inside = user >= 0
        return replace(self.take(inside), user_ids=tuple(user_ids), user=user[inside])

    def items_answered(self, user_ids: Sequence[str]) -> "Lists":
        """The items that each of these users answered, who are distinct: each once, in ascending order."""
        import pyarrow as pa

        given = self.take(~np.isnan(self.correct)).of_users(user_ids)
        item, keys = ascending(given.item, given.item_keys)
        user, item = np.divmod(np.unique(given.user * max(len(keys), 1) + item), max(len(keys), 1))
        offsets = np.searchsorted(user, np.arange(len(user_ids) + 1))
        items = pa.array(keys, pa.string()).take(item)
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), items)

    def by_user(self) -> Mapping[str, Self]:
        """Each user's answers, of those who have any; many times faster than a table per user."""
        rows = np.argsort(self.user, kind="stable")
        users, starts = np.unique(self.user[rows], return_index=True)
        parts = np.split(rows, starts[1:]) if users.size else []
        return {self.user_ids[user]: self.take(part) for user, part in zip(users.tolist(), parts, strict=True)}

    @cached_property
    def keys(self) -> list[str]:
        """The item of each row."""
        return [self.item_keys[j] for j in self.item.tolist()]

    @cached_property
    def topics(self) -> list[str | None]:
        """The topic of each row; None without one."""
        return [self.topic_ids[j] if j >= 0 else None for j in self.topic.tolist()]

    @cached_property
    def sessions(self) -> list[str | None]:
        """The session of each row; None without one."""
        return [self.session_ids[j] if j >= 0 else None for j in self.session.tolist()]


def ascending(code: Ints, ids: Sequence[str]) -> tuple[Ints, tuple[str, ...]]:
    """The same values, dictionary-encoded with the ids in ascending order; -1, of no value, stays."""
    order = sorted(range(len(ids)), key=ids.__getitem__)
    place = np.full(len(ids) + 1, -1, np.int64)  # the last one is what code -1 means
    place[order] = np.arange(len(ids))
    return place[code], tuple(ids[i] for i in order)


def _encoded(column: "Column") -> tuple[Ints, tuple[str, ...]]:
    encoded: Any = column.combine_chunks().dictionary_encode()
    code = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return code, tuple(encoded.dictionary.to_pylist())


def _floats(column: "Column") -> Floats:
    """Numbers or truths as doubles; NaN for null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    number = pc.cast(pc.cast(column, pa.int32()), pa.float64())
    return np.asarray(number.to_numpy(), np.float64)
