"""Which questions of the bank, not answered lately, would tell most about the learner next."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resources.irt.response_functions import information_at, probability_at
from resources.reports.document.link import Link
from resources.reports.i18n.wording import NONE, Words, name
from resources.reports.learner.report_input import ReportInput
from resources.reports.learner.sections.points import margin, score

SHOWN = 5


@dataclass(frozen=True)
class NextItem:
    name: str | Link
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
                name=_title(given, given.bank.item_keys[j]),
                topic=_topic(given, given.bank.item_keys[j]),
                difficulty=score(words, given.scale, float(given.bank.b[j])),
                chance=words.percent(float(chance[j])),
            )
            for j in best
        ],
        margin=margin(words, given.scale, given.level.se),
        margin_then=margin(words, given.scale, 1 / math.sqrt(given.level.se**-2 + float(told[best].sum()))),
    )


def _title(given: ReportInput, key: str) -> str | Link:
    """What people call the item, else its id; with the way to it where one was told."""
    details = given.items.of(key)
    title = name(details.title or key)
    return Link(title, details.url) if details.url else title


def _topic(given: ReportInput, key: str) -> str:
    topic = given.bank.topics.get(key) or given.items.of(key).topic
    return name(topic) if topic else NONE
