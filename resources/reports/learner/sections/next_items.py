"""Which questions of the bank, not answered lately, would tell most about the learner next."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resources.irt.response_functions import information_at, probability_at
from resources.reports.i18n.wording import NONE, Words, name
from resources.reports.learner.report_input import ReportInput
from resources.reports.learner.sections.points import margin, score

SHOWN = 5


@dataclass(frozen=True)
class NextItem:
    name: str
    topic: str
    difficulty: str
    chance: str


@dataclass(frozen=True)
class NextItems:
    """The most telling first. `margin` is the level's now, `margin_then` the one expected once they are answered."""

    rows: Sequence[NextItem]
    margin: str
    margin_then: str


def next_items(words: Words, given: ReportInput) -> NextItems | None:
    """By information at theta, equals by their place in the bank; None without a level, or with nothing left to ask."""
    if given.level is None:
        return None
    answered = given.seen | set(given.answers.keys)
    fresh = np.array([j for j, key in enumerate(given.bank.item_keys) if key not in answered], dtype=np.int64)
    if not fresh.size:
        return None
    told = information_at(given.bank.items, given.level.theta)
    best = fresh[np.argsort(-told[fresh], kind="stable")[:SHOWN]]
    chance = probability_at(given.bank.items, given.level.theta)
    return NextItems(
        rows=[
            NextItem(
                name=name(given.bank.item_keys[j]),
                topic=name(topic) if (topic := given.bank.topics.get(given.bank.item_keys[j])) else NONE,
                difficulty=score(words, given.scale, float(given.bank.b[j])),
                chance=words.percent(float(chance[j])),
            )
            for j in best
        ],
        margin=margin(words, given.scale, given.level.se),
        margin_then=margin(words, given.scale, 1 / math.sqrt(given.level.se**-2 + float(told[best].sum()))),
    )
