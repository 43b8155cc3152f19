"""How a predecessor's abilities and ours agree, learner by learner, while both are made of the same answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from resources.database.engine import transaction
from resources.database.queries import platform_tables
from resources.database.queries.estimates import abilities
from resources.errors import OperatorRequired
from resources.model import ItemBank

_FEWEST = 3  # learners, for a correlation and a line


@dataclass(frozen=True)
class Pair:
    """One learner's thetas in logits of our scale, theirs moved onto it; `z` is the difference by both standard
    errors together. They come from the same answers, so z is mostly far below 1 where both are right."""

    user_id: str
    theirs: float
    ours: float
    z: float


@dataclass(frozen=True)
class Comparison:
    """`slope` and `intercept` bring their thetas to the mean and spread of ours; they and `correlation` are None, and
    there are no pairs, where fewer than three learners are in both, or all have one theta. `theirs_unusable` rows are
    not whole, as those without a standard error. `pairs` by z, the largest first."""

    in_both: int
    only_theirs: int
    theirs_unusable: int
    only_ours: int
    correlation: float | None
    slope: float | None
    intercept: float | None
    pairs: Sequence[Pair]
    reports: Sequence[Any]

    def beyond(self, z: float) -> int:
        """Learners whose thetas differ by more than `z` standard errors."""
        return sum(pair.z > z for pair in self.pairs)


def compare(engine: sa.Engine, bank: ItemBank) -> Comparison:
    """Each learner's newest theta of theirs, and the current one under `bank`; reports by week. Changes nothing.

    Raises:
        OperatorRequired: no table of a predecessor can be read.
    """
    with transaction(engine) as connection:
        found = platform_tables.abilities(connection)
        if found is None:
            raise OperatorRequired(
                "No table mirt_ability of a predecessor can be read here",
                remedy="compare where the platform's own tables are, with SELECT granted on it.",
            )
        ours = abilities.current_of_all(connection, bank.version, bank.model)
        unusable = platform_tables.left_behind(connection).abilities_unusable
        reports = platform_tables.reports_by_week(connection)
    theirs = {row.user_id: (row.theta, row.se) for row in found}
    both = sorted(theirs.keys() & ours.keys())
    old, old_se = np.array([theirs[user_id] for user_id in both]).reshape(-1, 2).T
    new, new_se = np.array([ours[user_id] for user_id in both]).reshape(-1, 2).T
    counts = len(both), len(theirs) - len(both), unusable, len(ours) - len(both)
    if len(both) < _FEWEST or not (old.std() and new.std()):
        return Comparison(*counts, None, None, None, [], reports)
    slope = float(new.std() / old.std())
    intercept = float(new.mean() - slope * old.mean())
    moved = slope * old + intercept
    z = np.abs(new - moved) / np.hypot(new_se, slope * old_se)
    pairs = [Pair(both[i], float(moved[i]), float(new[i]), float(z[i])) for i in np.argsort(-z, kind="stable").tolist()]
    return Comparison(*counts, float(np.corrcoef(old, new)[0, 1]), slope, intercept, pairs, reports)
