"""What each learner answered in the first four weeks of all: what a change since the start is measured from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from resources.answers.blanks import Omitted, answered
from resources.answers.schema import SCHEMA
from resources.model import Instants, Week
from resources.warehouse.warehouse import Warehouse

START = np.timedelta64(4, "W")
_COLUMNS = ("user_id", "item_key", "correct", "completed_at", "attempt_no", "omitted")  # all that a change needs


@dataclass
class FirstWeeks:
    """Reads weeks in ascending order, each once for the same user keys. `omitted`: what a question counts as that was
    passed over; as `wrong`, it was answered."""

    warehouse: Warehouse
    first_week: Week
    omitted: Omitted
    _keys: list[str] = field(default_factory=list)
    _read_until: Week | None = None
    _began: dict[str, np.datetime64] = field(default_factory=dict)
    _kept: list[pa.Table] = field(default_factory=list)

    def before(self, week: Week, user_keys: Sequence[str]) -> pa.Table:
        """Those answers of the keys' learners that were given before the week; SCHEMA, with null in what no change
        needs.

        Raises:
            OperatorRequired: an earlier week was never frozen for one of the keys.
        """
        if self._keys != list(user_keys) or self._read_until is None or self._read_until > week:
            self._keys, self._read_until, self._began, self._kept = list(user_keys), self.first_week, {}, []
        for earlier in self._read_until.through(week.plus(-1)):
            self._kept.append(self._of_starters(self.warehouse.read([earlier], user_keys, _COLUMNS)))
        self._read_until = max(week, self.first_week)
        return pa.concat_tables([SCHEMA.empty_table(), *self._kept])

    def _of_starters(self, answers: pa.Table) -> pa.Table:
        answers = answered(answers, self.omitted)  # who has only skipped so far has not begun
        user: Any = answers["user_id"].combine_chunks().dictionary_encode()
        user_ids, code = user.dictionary.to_pylist(), user.indices.to_numpy()
        instant: Instants = answers["completed_at"].to_numpy().astype("datetime64[us]")
        began = np.full(len(user_ids), np.datetime64("9999-01-01", "us"))
        np.minimum.at(began, code, instant)
        began = np.array([self._began.setdefault(*pair) for pair in zip(user_ids, began, strict=True)], began.dtype)
        kept = answers.filter(pa.array(instant < began[code] + START))
        for place, field_ in enumerate(SCHEMA):
            if field_.name not in _COLUMNS:
                kept = kept.add_column(place, field_, pa.nulls(kept.num_rows, field_.type))
        return kept.select(SCHEMA.names)
