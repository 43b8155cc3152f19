"""What was answered this week, in sum and by day (UTC)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

import numpy as np

from resources.model import Floats
from resources.reports.report_input import Answers
from resources.reports.wording import NONE, Words


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


def practice(words: Words, answers: Answers) -> Practice | None:
    """None where nothing was answered."""
    if not len(answers):
        return None
    day = answers.answered_at.astype("datetime64[D]")
    days = np.unique(day)
    scored = answers.correct[~np.isnan(answers.correct)]
    n_right = int(scored.sum())
    n_repeats = len(answers) - len(set(answers.item_keys))
    sessions = {session for session in answers.sessions if session is not None}
    n_days = words.days(days.size)
    return Practice(
        answers=words.answers(len(answers)),
        spread=_spread(words, len(sessions), n_days),
        outcome=_outcome(words, n_right, scored.size - n_right, len(answers) - scored.size),
        repeats=words.answers(n_repeats) if n_repeats else "",
        timed=bool(np.isfinite(answers.response_time_ms).any()),
        streak=_streak(scored),
        days=[_day(words, d, answers.correct[day == d], answers.response_time_ms[day == d]) for d in days],
    )


def _spread(words: Words, n_sessions: int, days: str) -> str:
    if not n_sessions:
        return words.text("on {days}", days=days)
    sessions = words.count(n_sessions, "{n} session", "{n} sessions")
    return words.text("in {sessions} on {days}", sessions=sessions, days=days)


def _outcome(words: Words, n_right: int, n_wrong: int, n_unscored: int) -> str:
    parts = [words.count(n_right, "{n} right", "{n} right"), words.count(n_wrong, "{n} wrong", "{n} wrong")]
    if n_unscored:
        parts.append(words.count(n_unscored, "{n} blank or unreadable", "{n} blank or unreadable"))
    return ", ".join(parts)


def _day(words: Words, day: np.datetime64, correct: Floats, times: Floats) -> Day:
    scored = correct[~np.isnan(correct)]
    timed = times[~np.isnan(times)]
    return Day(
        name=words.weekday(dt.date.fromisoformat(str(day))),
        right=words.share(int(scored.sum()), scored.size) if scored.size else NONE,
        time=words.duration(median(timed.tolist())) if timed.size else NONE,
    )


def _streak(scored: Floats) -> Literal["", "all right", "all wrong"]:
    if scored.size < 2 or scored.min() != scored.max():
        return ""
    return "all right" if scored[0] else "all wrong"
