"""What a class report is made from: the learners of one group, one week, plain values.

Stays out: where they come from, and how they are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from resources.model import ItemBank, ItemCatalogue, Week
from resources.reports.learner.report_input import Change, Level, Topic
from resources.reports.learner.scale import Scale


@dataclass(frozen=True)
class Answered:
    """A learner's first scored answer of the week to a question; `chance` of a right one at the learner's level, NaN
    where either is unknown."""

    item_key: str
    right: bool
    chance: float


@dataclass(frozen=True)
class Learner:
    """`level`, `change`, `change_since_start` and `topics` are those of the learner's own report.

    `n_answers` counts the week's, blanks included; `last_week` is the last one with an estimate. `known` is "no" of who
    has no session on the platform, and "not run" where the week was not made for them."""

    user_id: str
    name: str | None
    known: Literal["yes", "no", "not run"]
    level: Level | None = None
    change: Change | None = None
    change_since_start: Change | None = None
    n_answers: int = 0
    answered: Sequence[Answered] = ()
    topics: Sequence[Topic] = ()
    last_week: Week | None = None


@dataclass(frozen=True)
class ClassInput:
    """Everything that a class report shows; `items` have the details of those of which any are known."""

    group: str
    week: Week
    learners: Sequence[Learner]
    bank: ItemBank
    items: ItemCatalogue
    scale: Scale
    window_days: int
