"""Which questions of the bank to try next: not answered lately, of a good chance, those of weak topics first."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resources.irt.response_functions import information_at
from resources.model import Floats
from resources.reports.i18n.wording import Words
from resources.reports.learner.report_input import ReportInput
from resources.reports.learner.sections.items import ItemView, chances, item_view
from resources.reports.learner.sections.points import margin
from resources.reports.learner.sections.topics import weak

SHOWN = 5
# Of a right answer. What tells most about a level is answered right half the time; of two questions, whoever practises
# would rather get one and a half right than one, and learns nothing from what is sure.
LEAST, MOST = 0.5, 0.8


@dataclass(frozen=True)
class NextItems:
    """Of weak topics first, then the most telling. `margin` is the level's now, `margin_then` the one expected once
    they are answered; `least` and `most` the chances within which they are chosen."""

    rows: Sequence[ItemView]
    margin: str
    margin_then: str
    least: str
    most: str
    weak: bool


def next_items(words: Words, given: ReportInput) -> NextItems | None:
    """None without a level, with nothing to propose, or where that would not make the level surer by a point."""
    if given.level is None:
        return None
    chance, told = chances(given, given.level), information_at(given.bank.items, given.level.theta)
    best, first = _best(given, chance, told)
    now = margin(words, given.scale, given.level.se)
    then = margin(words, given.scale, 1 / math.sqrt(given.level.se**-2 + float(told[best].sum())))
    if now == then:
        return None
    keys = [given.bank.item_keys[j] for j in best]
    return NextItems(
        rows=[item_view(words, given, key, given.topic_of(key), chance) for key in keys],
        margin=now,
        margin_then=then,
        least=words.percent(LEAST),
        most=words.percent(MOST),
        weak=first,
    )


def _best(given: ReportInput, chance: Floats, told: Floats) -> tuple[list[int], bool]:
    """Their places in the bank, and whether any are of a weak topic."""
    answered = given.seen | set(given.answers.keys)
    inside = np.flatnonzero((chance >= LEAST) & (chance <= MOST))
    by_worth = inside[np.argsort(-told[inside], kind="stable")].tolist()
    fresh = [j for j in by_worth if given.bank.item_keys[j] not in answered]
    topics = weak(given)
    if not topics:
        return fresh[:SHOWN], False
    of_weak = [j for j in fresh if given.topic_of(given.bank.item_keys[j]) in topics][:SHOWN]
    others = [j for j in fresh[: 2 * SHOWN] if j not in of_weak]
    return [*of_weak, *others][:SHOWN], bool(of_weak)
