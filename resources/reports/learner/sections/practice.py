"""What was answered this week, in sum."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from resources.answers.answers import Answers
from resources.model import Floats
from resources.reports.i18n.wording import NONE, Words
from resources.reports.learner.active_time import IDLE_MS, active_ms, n_idle


@dataclass(frozen=True)
class Practice:
    """Counts as text, empty where there is nothing to say. `streak` needs two scored answers at least.

    `time` is what was recorded in all, of `timed` answers where some have none; of the `idle` ones no more than
    `idle_limit` is in it. `hints` is empty unless recorded.
    """

    answers: str
    blank: bool
    spread: str
    outcome: str
    share: str
    right: str
    repeats: str
    time: str
    timed: str
    idle: str
    idle_limit: str
    hints: str
    streak: Literal["", "all right", "all wrong"]


def practice(words: Words, answers: Answers) -> Practice | None:
    """None where nothing was answered."""
    if not len(answers):
        return None
    n_days = np.unique(answers.completed_at.astype("datetime64[D]")).size
    scored = answers.correct[~np.isnan(answers.correct)]
    n_right = int(scored.sum())
    n_repeats = len(answers) - np.unique(answers.item).size
    n_sessions = np.unique(answers.session[answers.session >= 0]).size
    ms = active_ms(answers)[~np.isnan(answers.response_time_ms)]
    idle = n_idle(answers)
    hints = answers.hint_used[~np.isnan(answers.hint_used)]
    return Practice(
        answers=words.answers(len(answers)),
        blank=scored.size < len(answers),
        spread=_spread(words, n_sessions, words.days(n_days)),
        outcome=_outcome(words, n_right, scored.size - n_right, len(answers) - scored.size),
        share=words.percent(n_right / scored.size) if scored.size else NONE,
        right=words.share(n_right, scored.size) if scored.size else "",
        repeats=words.answers(n_repeats) if n_repeats else "",
        time=words.duration(float(ms.sum())) if ms.size else "",
        timed=words.answers(ms.size) if 0 < ms.size < len(answers) else "",
        idle=words.answers(idle) if idle else "",
        idle_limit=words.duration(IDLE_MS),
        hints=words.answers(int(hints.sum())) if hints.any() else "",
        streak=_streak(scored),
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


def _streak(scored: Floats) -> Literal["", "all right", "all wrong"]:
    if scored.size < 2 or scored.min() != scored.max():
        return ""
    return "all right" if scored[0] else "all wrong"
