"""Which items each learner has answered before, and when last.

An attempt counts if it is the first ever, wherever a week begins; or the first for a long time, where that is the rule.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from resources import calendar
from resources.answers.answers import Answers
from resources.answers.blanks import Omitted, answered
from resources.model import Ints, Week

COLUMNS = ("user_id", "item_key", "correct", "omitted")  # of the frozen answers: all that this needs


class SeenItems:
    """Pairs of learner and item as numbers: eight bytes an answer. `omitted`: what a question counts as that was passed
    over; as `missing`, the item was not answered. `anew_weeks`: after so many without it an item is as if unseen; 0:
    never."""

    def __init__(self, omitted: Omitted, anew_weeks: int = 0) -> None:
        self._omitted = omitted
        self._anew_weeks = anew_weeks
        self._weeks: list[Week] = []
        self._users: dict[str, int] = {}
        self._items: dict[str, int] = {}
        self._pairs: list[Ints] = []

    def add(self, week: Week, table: pa.Table) -> None:
        """Remember a week's answers (columns COLUMNS), in the order of weeks; blanks are none, unless they count."""
        self._weeks.append(week)
        given = answered(table, self._omitted)
        self._pairs.append(self._pair(_codes(given["user_id"], self._users), _codes(given["item_key"], self._items)))

    def unseen(self, answers: Answers) -> NDArray[np.bool_]:
        """For each row, whether the learner had not answered the item before, or not for long; shape (n,)."""
        user = np.array([self._users.get(user_id, -1) for user_id in answers.user_ids], np.int64)[answers.user]
        item = np.array([self._items.get(key, -1) for key in answers.item_keys], np.int64)[answers.item]
        known = (user >= 0) & (item >= 0)
        pair, fresh = self._pair(user, item), np.ones(user.size, dtype=bool)
        if not self._anew_weeks:
            return ~(known & _is_in(pair, np.concatenate([np.zeros(0, np.int64), *self._pairs])))
        for week, pairs in zip(self._weeks, self._pairs, strict=True):
            until = calendar.as_numpy(week.plus(self._anew_weeks + 1).begins_at)
            fresh &= ~(known & (answers.completed_at < until) & _is_in(pair, pairs))
        return fresh

    def _pair(self, user: Ints, item: Ints) -> Ints:
        return (user << 32) + item


def _is_in(values: Ints, among: Ints) -> NDArray[np.bool_]:
    """As `np.isin`, which looks for distinct values first and takes three times as long."""
    ordered = np.sort(among)
    there: NDArray[np.bool_] = np.searchsorted(ordered, values) < np.searchsorted(ordered, values, side="right")
    return there


def _codes(column: Any, places: dict[str, int]) -> Ints:
    """The number of each value, the same from table to table; new values get the next ones."""
    encoded = column.combine_chunks().dictionary_encode()
    own: Ints = np.array([places.setdefault(value, len(places)) for value in encoded.dictionary.to_pylist()], np.int64)
    code: Ints = own[encoded.indices.to_numpy()]
    return code
