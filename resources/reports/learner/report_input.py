"""What a weekly report is made from: one learner, one week, plain values.

Stays out: where they come from, and how they are shown.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from resources.errors import InvalidInput
from resources.model import STANDARD_NORMAL, Floats, Ints, ItemBank, Model, Prior, Week
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
class Answers:
    """One learner's answers of the week, in the order given, all of length n.

    `correct` is 1, 0 or NaN (blank or unreadable), `answered_at` UTC, `response_time_ms` NaN where it was not recorded;
    `hint_used` is 1, 0 or NaN (not recorded); `topics` and `sessions` may be None where the platform names none.
    `attempt_no` counts from 1.
    """

    item_keys: tuple[str, ...]
    correct: Floats
    topics: tuple[str | None, ...]
    answered_at: NDArray[np.datetime64]
    response_time_ms: Floats
    sessions: tuple[str | None, ...]
    attempt_no: Floats
    hint_used: Floats

    def __len__(self) -> int:
        return len(self.item_keys)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Self:
        """From columns item_key, correct, topic_id, completed_at, response_time_ms, session_id, attempt_no and
        hint_used.

        Raises:
            InvalidInput: an answer without an instant: it belongs to no week.
        """
        answered_at = frame["completed_at"].to_numpy("datetime64[us]")
        if np.isnat(answered_at).any():
            raise InvalidInput("An answer has no completed_at: it belongs to no week, and must not be in this one.")
        return cls(
            tuple(frame["item_key"].to_numpy(object)),
            _floats(frame, "correct"),
            _names(frame, "topic_id"),
            answered_at,
            _floats(frame, "response_time_ms"),
            _names(frame, "session_id"),
            _floats(frame, "attempt_no"),
            _floats(frame, "hint_used"),
        )

    @classmethod
    def by_user(cls, frame: pd.DataFrame) -> dict[str, Self]:
        """Each user's answers, from the same columns and user_id; many times faster than a frame per user.

        Raises:
            InvalidInput: as `from_frame`.
        """
        whole = cls.from_frame(frame)
        user, user_ids = pd.factorize(frame["user_id"])
        rows = np.split(np.argsort(user, kind="stable"), np.cumsum(np.bincount(user))[:-1]) if len(frame) else []
        return {str(user_id): whole._at(at) for user_id, at in zip(user_ids, rows, strict=True)}

    def _at(self, rows: Ints) -> Self:
        return type(self)(
            tuple(self.item_keys[i] for i in rows),
            self.correct[rows],
            tuple(self.topics[i] for i in rows),
            self.answered_at[rows],
            self.response_time_ms[rows],
            tuple(self.sessions[i] for i in rows),
            self.attempt_no[rows],
            self.hint_used[rows],
        )


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


def _floats(frame: pd.DataFrame, column: str) -> Floats:
    return frame[column].to_numpy(np.float64, na_value=np.nan)


def _names(frame: pd.DataFrame, column: str) -> tuple[str | None, ...]:
    missing = frame[column].isna().to_numpy()
    names = frame[column].to_numpy(object)
    return tuple(None if gone else str(name) for name, gone in zip(names, missing, strict=True))
