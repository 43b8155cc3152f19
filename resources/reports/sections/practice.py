"""What was answered this week, in sum and by day (UTC)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from resources.model import Floats
from resources.reports import wording
from resources.reports.report_input import Answers


@dataclass(frozen=True)
class Day:
    name: str
    right: str
    time: str


@dataclass(frozen=True)
class Practice:
    """Counts as text, empty where there is nothing to say. `streak` needs two scored answers at least."""

    answers: str
    spread: str
    right: str
    unscored: str
    repeats: str
    timed: bool
    streak: Literal["", "all right", "all wrong"]
    days: Sequence[Day]


def practice(answers: Answers) -> Practice | None:
    """None where nothing was answered."""
    if not len(answers):
        return None
    day = answers.answered_at.astype("datetime64[D]")
    days = np.unique(day)
    scored = answers.correct[~np.isnan(answers.correct)]
    n_unscored = len(answers) - scored.size
    n_repeats = len(answers) - len(set(answers.item_keys))
    sessions = {session for session in answers.sessions if session is not None}
    on_days = f"on {wording.count(days.size, 'day', 'days')}"
    return Practice(
        answers=wording.answers(len(answers)),
        spread=f"in {wording.count(len(sessions), 'session', 'sessions')} {on_days}" if sessions else on_days,
        right=wording.count(int(scored.sum()), "is", "are"),
        unscored=wording.answers(n_unscored) if n_unscored else "",
        repeats=wording.answers(n_repeats) if n_repeats else "",
        timed=bool(np.isfinite(answers.response_time_ms).any()),
        streak=_streak(scored),
        days=[_day(d, answers.correct[day == d], answers.response_time_ms[day == d]) for d in days],
    )


def _day(day: np.datetime64, correct: Floats, times: Floats) -> Day:
    scored = correct[~np.isnan(correct)]
    timed = times[~np.isnan(times)]
    return Day(
        name=wording.weekday(day.item()),
        right=f"{int(scored.sum())} of {scored.size}" if scored.size else wording.NONE,
        time=wording.duration(float(np.median(timed))) if timed.size else wording.NONE,
    )


def _streak(scored: Floats) -> Literal["", "all right", "all wrong"]:
    if scored.size < 2 or scored.min() != scored.max():
        return ""
    return "all right" if scored[0] else "all wrong"
