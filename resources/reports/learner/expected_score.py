"""How a learner did on each topic, against what the item bank expects of somebody with exactly that ability."""

import math
from dataclasses import dataclass

import numpy as np

from resources.answers.answers import Answers
from resources.irt.response_functions import probability_at
from resources.model import Floats, ItemBank
from resources.reports.learner.report_input import ReportInput


@dataclass(frozen=True)
class Topic:
    """Counts of one topic's questions, each by its first scored answer of the week.

    Of `n_scored`, `n_known` are in the bank, and only those are compared: `expected` is their expected number right,
    `at_least` and `at_most` the probabilities of as many right or more, as many or fewer. These are NaN without an
    ability or without a known question.
    """

    name: str | None
    n_scored: int
    n_right: int
    n_known: int
    n_right_known: int
    expected: float
    at_least: float
    at_most: float


def by_topic(given: ReportInput) -> list[Topic]:
    """The week's topics, the most practised first, equals by name; answers of no topic come last."""
    rows: dict[str | None, list[int]] = {}
    for i in given.first_answers.tolist():
        rows.setdefault(given.answers.topics[i], []).append(i)
    chance = probability_at(given.bank.items, given.level.theta) if given.level else None
    found = [_topic(name, given.answers, at, given.bank, chance) for name, at in rows.items()]
    return sorted(found, key=lambda topic: (topic.name is None, -topic.n_scored, topic.name or ""))


def number_right(p: Floats) -> Floats:
    """Distribution of the number right among independent answers with these probabilities: shape (n + 1,).

    The Poisson binomial distribution, exactly, answer by answer.
    Source: Hong (2013), Computational Statistics & Data Analysis 59, 41-51.
    """
    distribution = [1.0]
    for right in p.tolist():  # of the few answers to a topic: in lists that takes half as long as in arrays
        wrong = 1 - right
        pairs = zip([*distribution, 0.0], [0.0, *distribution], strict=True)
        distribution = [stays * wrong + rises * right for stays, rises in pairs]
    return np.array(distribution)


def _topic(name: str | None, answers: Answers, rows: list[int], bank: ItemBank, chance: Floats | None) -> Topic:
    known = [i for i in rows if answers.keys[i] in bank.place]
    n_right, n_right_known = int(answers.correct[rows].sum()), int(answers.correct[known].sum())
    expected = at_least = at_most = math.nan
    if chance is not None and known:
        p = chance[[bank.place[answers.keys[i]] for i in known]]
        distribution = number_right(p)
        expected = float(p.sum())
        at_least = float(distribution[n_right_known:].sum())
        at_most = float(distribution[: n_right_known + 1].sum())
    return Topic(name, len(rows), n_right, len(known), n_right_known, expected, at_least, at_most)
