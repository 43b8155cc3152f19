"""Where the learner stands, how sure that is, and whether it changed."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from resources.irt.response_functions import probability_at
from resources.model import ItemBank
from resources.reports.i18n.wording import Words
from resources.reports.learner.report_input import Level, ReportInput, Standing, WeekLevel
from resources.reports.learner.scale import Scale
from resources.reports.learner.sections.points import margin, score, score_and_margin

FAR = 1.5  # logits from the middle: one learner in fifteen on each side
GUESS_SE = 0.6  # reliability 1 - SE² = .64: below that nobody should decide anything by it
PRECISE_SE = 0.3  # reliability .91
CLEAR = 1.96  # standard errors: passed by chance alone once in twenty times


@dataclass(frozen=True)
class LevelView:
    """`score`, `se`, `middle` and `scale_end` are in points; `scale_end` is empty unless the level lies beyond it.

    `of_100` is the expected number right among 100 questions like the bank's, `low` and `high` at theta ± SE.
    """

    score: str
    se: str
    middle: str
    scale_end: str
    place: Literal["far above", "above", "near", "below", "far below"]
    of_100: str
    of_100_low: str
    of_100_high: str
    answers: str
    sureness: Literal["guess", "fair", "precise"]


@dataclass(frozen=True)
class StandingView:
    """The place among 100 learners in line from the lowest level to the highest; `low` and `high` at theta ± SE."""

    place: str
    low: str
    high: str


@dataclass(frozen=True)
class NoLevel:
    """What of this week could not be scored, and the last estimate there was; each empty where there is none."""

    unknown: str
    unusable: str
    last: str
    last_week: str


@dataclass(frozen=True)
class Change:
    """In points, also where an end of the scale holds the scores themselves."""

    delta: str
    se: str
    since: str
    verdict: Literal["within", "maybe up", "maybe down", "up", "down"]


def level_view(words: Words, level: Level, bank: ItemBank, scale: Scale) -> LevelView:
    low, middle, high = (
        words.number(100 * float(np.mean(probability_at(bank.items, level.theta + step))), 0)
        for step in (-level.se, 0, level.se)
    )
    return LevelView(
        score=score(words, scale, level.theta),
        se=margin(words, scale, level.se),
        middle=words.number(scale.center, 0),
        scale_end=score(words, scale, level.theta) if scale.beyond(level.theta) else "",
        place=_place(level),
        of_100=middle,
        of_100_low=low,
        of_100_high=high,
        answers=words.answers(level.n_items),
        sureness="guess" if level.se >= GUESS_SE else "precise" if level.se <= PRECISE_SE else "fair",
    )


def standing_view(words: Words, standing: Standing) -> StandingView:
    place, low, high = (words.number(max(n, 1), 0) for n in (standing.percentile, standing.low, standing.high))
    return StandingView(place, low, high)


def no_level(words: Words, given: ReportInput) -> NoLevel:
    unusable = np.isnan(given.answers.correct)
    unknown = sum(
        key not in given.bank.place and not blank for key, blank in zip(given.answers.keys, unusable, strict=True)
    )
    last = given.history[-1] if given.history else None
    return NoLevel(
        unknown=words.answers(unknown) if unknown else "",
        unusable=words.answers(int(unusable.sum())) if unusable.any() else "",
        last=score_and_margin(words, given.scale, last.theta, last.se) if last else "",
        last_week=words.week_of(last.week) if last else "",
    )


def change_se(level: Level, before: WeekLevel) -> float:
    """Standard error of the difference of two independent estimates, in logits.

    Weeks whose look-back windows overlap share answers, which makes the true one smaller: this errs towards no change.
    """
    return math.hypot(level.se, before.se)


def change(words: Words, given: ReportInput) -> Change | None:
    """Against the last week that has an estimate; None for the first estimate and for none."""
    earlier = [past for past in given.history if past.week < given.week]
    if given.level is None or not earlier:
        return None
    before = earlier[-1]
    delta, se = given.level.theta - before.theta, change_se(given.level, before)
    return Change(
        delta=words.signed(given.scale.per_logit * delta, 0),
        se=margin(words, given.scale, se),
        since=words.text("last week") if before.week == given.week.plus(-1) else words.week_of(before.week),
        verdict=_verdict(delta, se),
    )


def _place(level: Level) -> Literal["far above", "above", "near", "below", "far below"]:
    if abs(level.theta) <= level.se:
        return "near"
    if level.theta > 0:
        return "far above" if level.theta > FAR else "above"
    return "far below" if level.theta < -FAR else "below"


def _verdict(delta: float, se: float) -> Literal["within", "maybe up", "maybe down", "up", "down"]:
    if abs(delta) <= se:
        return "within"
    if abs(delta) < CLEAR * se:
        return "maybe up" if delta > 0 else "maybe down"
    return "up" if delta > 0 else "down"
