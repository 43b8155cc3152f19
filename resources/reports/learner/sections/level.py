"""Where the learner stands, how sure that is, and whether it changed."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from resources.irt.growth.change import CRITICAL_Z
from resources.irt.response_functions import probability_at
from resources.model import ItemBank, Week
from resources.reports.i18n.wording import Words
from resources.reports.learner.report_input import Change, Level, ReportInput, Standing, WeekLevel
from resources.reports.learner.scale import Scale
from resources.reports.learner.sections.points import difference, difference_and_margin, margin, score, score_and_margin

WIDEST = 50  # percentiles
FAR = 1.5  # logits from the middle: one learner in fifteen on each side
GUESS_SE = 0.6  # reliability 1 - SE² = .64: below that nobody should decide anything by it
PRECISE_SE = 0.3  # reliability .91
MIN_ANSWERS = 8  # to items of usual discrimination: an information of 2, and errors below .7 logits from these alone


@dataclass(frozen=True)
class LevelView:
    """`score`, `margin`, `low` and `high` (the ends of the 95 % interval), `middle` and `scale_end` are in points; the
    interval ends with the scale. `scale_end` is empty unless the level lies beyond it,
    and `measured_in` unless the level is of an earlier week.

    `of_100` is the expected number right among 100 questions like the bank's, `low` and `high` at the ends
    of the 95 % interval.
    """

    score: str
    margin: str
    low: str
    high: str
    middle: str
    scale_end: str
    place: Literal["far above", "above", "near", "below", "far below"]
    of_100: str
    of_100_low: str
    of_100_high: str
    answers: str
    measured_in: str
    sureness: Literal["guess", "fair", "precise"]


@dataclass(frozen=True)
class StandingView:
    """How many of 100 learners stand lower; `low` and `high` at the ends of the 95 % interval."""

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
class ChangeView:
    """In points, with the 95 % interval's half width; `said` is both."""

    delta: str
    margin: str
    said: str
    over: str
    verdict: Literal["up", "down", "not enough to tell"]


@dataclass(frozen=True)
class TooFew:
    """How many answers the learner has given, and how many more there are to the first level."""

    given: str
    more: str


def enough(level: Level | WeekLevel) -> bool:
    """Whether it rests on MIN_ANSWERS or more: below that it is not shown."""
    return level.n_items >= MIN_ANSWERS


def too_few(words: Words, level: Level) -> TooFew | None:
    """None where there is a level to show."""
    if enough(level):
        return None
    more = words.count(MIN_ANSWERS - level.n_items, "{n} more answer", "{n} more answers")
    return TooFew(words.answers(level.n_items), more)


def level_view(words: Words, level: Level, week: Week, bank: ItemBank, scale: Scale) -> LevelView:
    ends = (level.theta - CRITICAL_Z * level.se, level.theta + CRITICAL_Z * level.se)
    least, most = (score(words, scale, end) for end in ends)
    low, middle, high = (
        words.number(100 * float(np.mean(probability_at(bank.items, theta))), 0)
        for theta in (ends[0], level.theta, ends[1])
    )
    return LevelView(
        score=score(words, scale, level.theta),
        margin=margin(words, scale, level.se),
        low=least,
        high=most,
        middle=words.number(scale.center, 0),
        scale_end=score(words, scale, level.theta) if scale.beyond(level.theta) else "",
        place=_place(level),
        of_100=middle,
        of_100_low=low,
        of_100_high=high,
        answers=words.answers(level.n_items),
        measured_in=words.week_of(level.week) if level.week < week else "",
        sureness="guess" if level.se >= GUESS_SE else "precise" if level.se <= PRECISE_SE else "fair",
    )


def standing_view(words: Words, standing: Standing) -> StandingView | None:
    """None where the range is too wide to mean anything."""
    if standing.high - standing.low > WIDEST:
        return None
    return StandingView(*(words.number(n, 0) for n in (standing.percentile, standing.low, standing.high)))


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


def change_view(words: Words, change: Change | None, scale: Scale) -> ChangeView | None:
    """None where nothing is said about change."""
    if change is None:
        return None
    return ChangeView(
        delta=difference(words, scale, change.delta),
        margin=margin(words, scale, change.se),
        said=difference_and_margin(words, scale, change.delta, change.se),
        over=words.count(change.weeks, "{n} week", "{n} weeks"),
        verdict=change.verdict,
    )


def _place(level: Level) -> Literal["far above", "above", "near", "below", "far below"]:
    if abs(level.theta) <= CRITICAL_Z * level.se:
        return "near"
    if level.theta > 0:
        return "far above" if level.theta > FAR else "above"
    return "far below" if level.theta < -FAR else "below"
