"""What a weekly report is made from: one learner, one week, plain values.

Stays out: where they come from, and how they are shown.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from resources.answers.answers import Answers
from resources.answers.counting import counting
from resources.errors import InvalidInput
from resources.model import Floats, Goal, Ints, ItemBank, ItemCatalogue, Model, Week
from resources.reports.learner.scale import Scale


@dataclass(frozen=True)
class Level:
    """An ability in logits as of a week's end, with what it rests on: n_items answers in all, and what was left out of
    that week's."""

    week: Week
    theta: float
    se: float
    n_items: int
    n_unknown_item: int
    n_unusable: int
    model: Model
    bank_version: str


@dataclass(frozen=True)
class WeekLevel:
    """What was estimated as of the end of a week, in logits, from n_items answers in all."""

    week: Week
    theta: float
    se: float
    n_items: int


@dataclass(frozen=True)
class Standing:
    """Percentiles among at least so many learners: of the level, and of the ends of its 95 % interval."""

    percentile: int
    low: int
    high: int
    learners: int


@dataclass(frozen=True)
class Change:
    """How ability moved over the last `weeks`, from the learner's own answers alone, in logits; `verdict` is of a test
    with a stated error rate (see `resources.irt.growth.change`)."""

    weeks: int
    delta: float
    se: float
    verdict: Literal["up", "down", "not enough to tell"]


@dataclass(frozen=True)
class Scored:
    """The answers that count for ability, to items of the bank: of the last weeks and of the learner's first, in the
    order in which they were read. `item` is a place in the bank, `weeks_ago` counts from the end of the week."""

    item: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    correct: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    weeks_ago: Floats = field(default_factory=lambda: np.zeros(0))
    topics: Sequence[str | None] = ()


class GroupMovement(NamedTuple):
    """How the group of all learners moved in the last weeks of which that is known, with the estimates' errors, and the
    SD that a week adds to a learner's own; in logits a week."""

    drifts: tuple[float, ...] = ()
    drift_ses: tuple[float, ...] = ()
    tau: float = 0.0


@dataclass(frozen=True)
class Topic:
    """How the learner did on a topic in the last weeks, beside the own level in all topics; in logits.

    Of `n` answers `n_right` were right, and `expected` would be at that level. `deviation` and `verdict` are NaN and
    None where there are too few answers; `reliable`: the subscore says more than the level alone. See
    `resources.irt.subscores`.
    """

    name: str
    n: int
    n_right: int
    expected: float
    deviation: float
    se: float
    reliable: bool
    verdict: Literal["above", "below", "alike"] | None


@dataclass(frozen=True)
class ReportInput:
    """Everything that a report shows.

    `level` is the newest within the look-back of `window_days`, None without one; so is `standing`, also among too few
    learners. `history` ascends and ends with this week
    at the latest; weeks without an estimate are absent. `answers` are those of the week alone; `seen` are the items
    answered lately. `as_of`: answers up to this instant are in. `items` have the
    details of those of which any are known. `brief`: nothing was answered in the week, and the page says no more than
    since when (`last_answered_at`, None if that is long ago), where the learner stands, and what waits.

    The rest follows from `scored`. `change` is None where the week's own answers cannot carry one; so is
    `change_since_start`, from the first four weeks to the last. `topics` are those of the last weeks, by name.
    `usual_ms`, for the teacher's edition alone, is how long everybody takes for an item, of those of which it is known.
    `name` is what people call the learner, None where nobody has told. `goal` is what the learner wants to reach, and
    `group` is known where there is one.
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
    items: ItemCatalogue = ItemCatalogue()  # noqa: RUF009 - frozen
    brief: bool = False
    last_answered_at: dt.datetime | None = None
    scored: Scored = field(default_factory=Scored)
    change: Change | None = None
    change_since_start: Change | None = None
    topics: Sequence[Topic] = ()
    usual_ms: Mapping[str, float] = field(default_factory=dict)
    name: str | None = None
    goal: Goal | None = None
    group: GroupMovement = GroupMovement()  # noqa: RUF009 - a tuple

    def __post_init__(self) -> None:
        weeks = [past.week for past in self.history]
        if any(a >= b for a, b in pairwise(weeks)) or (weeks and weeks[-1] > self.week):
            raise InvalidInput(f"The history of a report for {self.week} must ascend, and hold no later week.")

    def topic_of(self, item_key: str, told: str | None = None) -> str | None:
        """As the file of items has it, else as it was `told` with an answer, else as the bank knows it from answers."""
        return self.items.of(item_key).topic or told or self.bank.topics.get(item_key)

    @cached_property
    def first_answers(self) -> Ints:
        """Rows of `answers`: the first scored answer of the week to each question."""
        rows = counting(self.answers)
        return rows[~np.isnan(self.answers.correct[rows])]
