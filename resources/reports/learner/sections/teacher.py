"""The exact numbers, with everything they rest on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resources.answers.answers import Answers
from resources.irt.growth.change import CRITICAL_Z
from resources.reports.i18n.wording import Words, name
from resources.reports.learner.effort import MIN_TIMED, effort
from resources.reports.learner.percentile import MIN_LEARNERS
from resources.reports.learner.person_fit import MIN_ANSWERS, PersonFit
from resources.reports.learner.report_input import Level, ReportInput, Standing
from resources.reports.learner.scale import Scale
from resources.reports.learner.sections.level import WIDEST, standing_view
from resources.reports.learner.sections.performance import performance
from resources.reports.learner.sections.points import score_and_margin


@dataclass(frozen=True)
class Fact:
    name: str
    value: str


def facts(words: Words, given: ReportInput, fit: PersonFit | None) -> Sequence[Fact]:
    """Empty without an estimate."""
    level = given.level
    if level is None:
        return ()
    low, high = level.theta - CRITICAL_Z * level.se, level.theta + CRITICAL_Z * level.se
    return (
        Fact(words.text("Score"), score_and_margin(words, given.scale, level.theta, level.se)),
        Fact(words.text("Scale"), _scale(words, given.scale)),
        *_performance(words, level, given.scale),
        Fact(words.text("Percentile"), _percentile(words, given.standing)),
        Fact(words.text("Theta"), words.text("{x} logits", x=words.number(level.theta, 4))),
        Fact(words.text("Standard error"), words.text("{x} logits", x=words.number(level.se, 4))),
        Fact(words.text("95% interval"), words.text("{low} to {high}", low=words.number(low), high=words.number(high))),
        Fact(words.text("Person fit"), _fit(words, fit)),
        Fact(words.text("Response-time effort"), _effort(words, given)),
        Fact(words.text("Answers used"), words.number(level.n_items, 0)),
        Fact(words.text("Answers left out"), _left_out(words, level)),
        Fact(words.text("Hints"), _hints(words, given.answers)),
        Fact(words.text("As of"), words.instant(level.week.ends_at)),
        Fact(
            words.text("Item bank"),
            f"{name(level.bank_version)}, {level.model}, "
            + words.count(len(given.bank.item_keys), "{n} question", "{n} questions"),
        ),
    )


def _scale(words: Words, scale: Scale) -> str:
    return words.text(
        "{center} + {step} × theta, from {low} to {high}",
        center=words.number(scale.center, 0), step=words.number(scale.per_logit, 0),
        low=words.number(scale.low, 0), high=words.number(scale.high, 0),
    )  # fmt: skip


def _performance(words: Words, level: Level, scale: Scale) -> Sequence[Fact]:
    """None without cut scores."""
    found = performance(words, level, scale)
    if found is None or scale.cuts is None:
        return ()
    points = ", ".join(words.number(cut, 0) for cut in scale.cuts.points)
    said = words.text("{levels}; cut scores: {points}", levels=found.chances, points=points)
    return (Fact(words.text("Performance level"), said),)


def _percentile(words: Words, standing: Standing | None) -> str:
    if standing is None:
        return words.text(
            "not shown: fewer than {n} learners were measured in the four weeks before", n=str(MIN_LEARNERS)
        )
    if standing_view(words, standing) is None:
        return words.text("not shown: its range is wider than {n} percentiles", n=str(WIDEST))
    at, low, high, learners = (
        words.number(n, 0) for n in (standing.percentile, standing.low, standing.high, standing.learners)
    )
    return words.text(
        "{at} ({low} to {high}), among at least {learners} learners",
        at=at, low=low, high=high, learners=learners,
    )  # fmt: skip


def _fit(words: Words, fit: PersonFit | None) -> str:
    if fit is None:
        return words.text("not shown: fewer than {n} answers this week", n=str(MIN_ANSWERS))
    if not math.isfinite(fit.lz_star):
        return words.text("cannot be computed: no answer could be a surprise")
    return words.text("lz* = {lz}, from {answers}", lz=words.number(fit.lz_star), answers=words.answers(fit.n))


def _effort(words: Words, given: ReportInput) -> str:
    found = effort(given)
    if found is None:
        return words.text("not shown: fewer than {n} answers this week have a time to compare", n=str(MIN_TIMED))
    rapid = words.share(found.n_rapid, found.n)
    return words.text("{effort}: rapid guesses {rapid}", effort=words.percent(found.share), rapid=rapid)


def _hints(words: Words, answers: Answers) -> str:
    recorded = answers.hint_used[~np.isnan(answers.hint_used)]
    if not recorded.size:
        return words.text("not recorded")
    return words.text("{hinted} with a hint", hinted=words.share(int(recorded.sum()), recorded.size))


def _left_out(words: Words, level: Level) -> str:
    unknown, unusable = level.n_unknown_item, level.n_unusable
    parts = [words.count(unknown, "{n} not in the item bank", "{n} not in the item bank")] if unknown else []
    if unusable:
        parts.append(words.count(unusable, "{n} blank or unreadable", "{n} blank or unreadable"))
    return ", ".join(parts) or words.text("none")
