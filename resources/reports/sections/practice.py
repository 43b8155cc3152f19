"""What was answered this week, in sum and by day (UTC)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
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
    outcome: str
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
    n_right = int(scored.sum())
    unscored = f", {len(answers) - scored.size:,} blank or unreadable" if scored.size < len(answers) else ""
    n_repeats = len(answers) - len(set(answers.item_keys))
    sessions = {session for session in answers.sessions if session is not None}
    on_days = f"on {wording.count(days.size, 'day', 'days')}"
    return Practice(
        answers=wording.answers(len(answers)),
        spread=f"in {wording.count(len(sessions), 'session', 'sessions')} {on_days}" if sessions else on_days,
        outcome=f"{n_right:,} right, {scored.size - n_right:,} wrong" + unscored,
        repeats=wording.answers(n_repeats) if n_repeats else "",
        timed=bool(np.isfinite(answers.response_time_ms).any()),
        streak=_streak(scored),
        days=[_day(d, answers.correct[day == d], answers.response_time_ms[day == d]) for d in days],
    )


def _day(day: np.datetime64, correct: Floats, times: Floats) -> Day:
    scored = correct[~np.isnan(correct)]
    timed = times[~np.isnan(times)]
    return Day(
        name=wording.weekday(dt.date.fromisoformat(str(day))),
        right=f"{int(scored.sum())} of {scored.size}" if scored.size else wording.NONE,
        time=wording.duration(median(timed.tolist())) if timed.size else wording.NONE,
    )


def _streak(scored: Floats) -> Literal["", "all right", "all wrong"]:
    if scored.size < 2 or scored.min() != scored.max():
        return ""
    return "all right" if scored[0] else "all wrong"
