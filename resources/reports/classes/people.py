"""Who has grown, gone down or not been seen to grow, of whom too little is known, and everybody in one list."""

from collections.abc import Sequence
from dataclasses import dataclass

from resources.irt.growth.change import CRITICAL_Z
from resources.reports.classes.class_input import ClassInput, Learner
from resources.reports.classes.verdicts import ERROR_RATE, Said, changes_of, level_of, said_of
from resources.reports.i18n.wording import NONE, Words, name
from resources.reports.learner.report_input import Change
from resources.reports.learner.scale import Scale
from resources.reports.learner.sections.level import too_few
from resources.reports.learner.sections.points import difference_and_margin, margin, score


@dataclass(frozen=True)
class Moved:
    """A learner with both changes, in points with the 95 % interval's half width; `at_most` is the largest growth since
    the first weeks that the interval leaves possible."""

    name: str
    level: str
    margin: str
    lately: str
    since_start: str
    over: str
    at_most: str


@dataclass(frozen=True)
class Chance:
    """How many comparisons were made, and how many of them would say up, and as many down, by chance alone."""

    comparisons: str
    named: str


@dataclass(frozen=True)
class Silent:
    """The learners of whom nothing can be said for one reason."""

    why: str
    names: Sequence[str]


@dataclass(frozen=True)
class Row:
    name: str
    level: str
    margin: str
    right: str
    share: str
    lately: str


def moved(words: Words, given: ClassInput, of: Said) -> list[Moved]:
    """Those of whom this is said; the stuck ones by how little they can have grown, the others by name."""
    found = [learner for learner in given.learners if said_of(learner) == of]
    if of == "stuck":
        found.sort(key=lambda learner: (_highest(learner), shown_name(learner)))
    return [_moved(words, learner, given.scale) for learner in found]


def chance(words: Words, given: ClassInput) -> Chance | None:
    """None where nothing was compared."""
    n = sum(len(changes_of(learner)) for learner in given.learners)
    if not n:
        return None
    return Chance(words.count(n, "{n} comparison", "{n} comparisons"), words.number(ERROR_RATE * n, 1))


def silent(words: Words, given: ClassInput) -> list[Silent]:
    """Of whom nothing can be said of change, by the reason; the one that most have comes first."""
    names: dict[str, list[str]] = {}
    for learner in given.learners:
        if said_of(learner) == "too little":
            names.setdefault(_why(words, learner, given), []).append(shown_name(learner))
    return [Silent(why, names[why]) for why in sorted(names, key=lambda why: -len(names[why]))]


def everybody(words: Words, given: ClassInput) -> list[Row]:
    rows = []
    for learner in given.learners:
        level, n_right = level_of(learner), sum(answer.right for answer in learner.answered)
        n = len(learner.answered)
        rows.append(Row(
            name=shown_name(learner),
            level=score(words, given.scale, level.theta) if level else NONE,
            margin=f"± {margin(words, given.scale, level.se)}" if level else "",
            right=words.share(n_right, n) if n else "",
            share=words.percent(n_right / n) if n else NONE,
            lately=_told(words, learner.change if level else None, given.scale),
        ))  # fmt: skip
    return rows


def shown_name(learner: Learner) -> str:
    return name(learner.name or learner.user_id)


def _moved(words: Words, learner: Learner, scale: Scale) -> Moved:
    level, since = learner.level, learner.change_since_start
    assert level is not None  # noqa: S101 - or nothing is said of the learner
    return Moved(
        name=shown_name(learner),
        level=score(words, scale, level.theta),
        margin=f"± {margin(words, scale, level.se)}",
        lately=_told(words, learner.change, scale),
        since_start=_told(words, since, scale),
        over=words.count(since.weeks, "{n} week", "{n} weeks") if since else "",
        at_most=words.signed(scale.per_logit * _highest(learner), 0) if since else NONE,
    )


def _highest(learner: Learner) -> float:
    """The upper end of the 95 % interval of the change since the first weeks, in logits."""
    since = learner.change_since_start
    return since.delta + CRITICAL_Z * since.se if since else 0.0


def _told(words: Words, change: Change | None, scale: Scale) -> str:
    if change is None:
        return NONE
    return difference_and_margin(words, scale, change.delta, change.se)


def _why(words: Words, learner: Learner, given: ClassInput) -> str:
    if learner.known == "no":
        return words.text("has no session on the platform")
    if learner.known == "not run":
        return words.text("this week was not made for this learner")
    if learner.level and (few := too_few(words, learner.level)):
        return words.text("{more} to the first level", more=few.more)
    if learner.level is None and learner.last_week:
        return words.text(
            "no level in {window}; the last was in {week}",
            window=words.days(given.window_days), week=words.week_of(learner.last_week),
        )  # fmt: skip
    if learner.level is None and learner.n_answers:
        return words.text("no answer yet that can be measured")
    if learner.level is None:
        return words.text("no answers yet")
    if not learner.n_answers:
        return words.text("no answers this week")
    return words.text("too few earlier answers to compare with, or too few new ones")
