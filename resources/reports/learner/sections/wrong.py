"""Which questions were answered wrong this week, the ones that were easiest for the learner first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resources.reports.i18n.wording import Words
from resources.reports.learner.report_input import ReportInput
from resources.reports.learner.sections.items import ItemView, chances, item_view

SHOWN = 15


@dataclass(frozen=True)
class WrongItem:
    item: ItemView
    day: str


@dataclass(frozen=True)
class Wrong:
    """`more` is how many are not shown, empty where all are; `rated`: of any the chance is known."""

    rows: Sequence[WrongItem]
    more: str
    rated: bool


def wrong(words: Words, given: ReportInput) -> Wrong | None:
    """By the first scored answer of the week to each question; None where none was wrong."""
    answers, place = given.answers, given.bank.place
    rows = [i for i in given.first_answers.tolist() if answers.correct[i] == 0]
    if not rows:
        return None
    chance = chances(given, given.level) if given.level else None

    def order(i: int) -> tuple[float, np.datetime64]:
        at = place.get(answers.keys[i])
        return (-float(chance[at]) if chance is not None and at is not None else 0.0), answers.completed_at[i]

    rows.sort(key=order)
    shown, more = rows[:SHOWN], len(rows) - SHOWN
    return Wrong(
        rows=[
            WrongItem(
                item_view(words, given, key, given.topic_of(key, answers.topics[i]), chance),
                words.weekday(answers.completed_at[i].astype("datetime64[D]").item()),
            )
            for i in shown
            for key in [answers.keys[i]]
        ],
        more=words.count(more, "{n} question", "{n} questions") if more > 0 else "",
        rated=chance is not None and any(answers.keys[i] in place for i in shown),
    )
