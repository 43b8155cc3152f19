"""What a weekly report is made from: one learner, one week, plain values.

Stays out: where they come from, and how they are shown.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from resources.answers.answers import Answers
from resources.errors import InvalidInput
from resources.model import STANDARD_NORMAL, ItemBank, Model, Prior, Week
from resources.reports.learner.scale import Scale


@dataclass(frozen=True)
class Level:
    """An ability estimate in logits with what it rests on; counts as in `model.Thetas`."""

    theta: float
    se: float
    n_items: int
    n_unknown_item: int
    n_unusable: int
    model: Model
    bank_version: str
    prior: Prior = STANDARD_NORMAL


@dataclass(frozen=True)
class WeekLevel:
    """What was estimated as of the end of a week, in logits."""

    week: Week
    theta: float
    se: float


@dataclass(frozen=True)
class Standing:
    """Percentiles among at least so many learners of the week: of the level, and of it minus and plus its error."""

    percentile: int
    low: int
    high: int
    learners: int


@dataclass(frozen=True)
class ReportInput:
    """Everything that a report shows.

    `level` is None where nothing could be scored; so is `standing`, also among too few learners. `history` ascends and
    ends with this week at the latest; weeks without an estimate are absent. `answers` are those of the week alone,
    while `level` rests on the look-back window of `window_days`; `seen` are the items answered in it. `as_of`: answers
    up to this instant are in.
    """

    user_id: str
    week: Week
    level: Level | None
    standing: Standing | None
    history: Sequence[WeekLevel]
    answers: Answers
    seen: frozenset[str]
    bank: ItemBank
    scale: Scale
    as_of: dt.datetime
    window_days: int

    def __post_init__(self) -> None:
        weeks = [past.week for past in self.history]
        if any(a >= b for a, b in pairwise(weeks)) or (weeks and weeks[-1] > self.week):
            raise InvalidInput(f"The history of a report for {self.week} must ascend, and hold no later week.")
