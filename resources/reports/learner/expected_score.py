"""How a learner did on each topic, against what the item bank expects of somebody with exactly that ability."""

import math
from dataclasses import dataclass

import numpy as np

from resources.answers.answers import Answers
from resources.answers.counting import counting
from resources.irt.response_functions import probability_at
from resources.model import Floats, Ints, ItemBank


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


def by_topic(answers: Answers, bank: ItemBank, theta: float | None) -> list[Topic]:
    """The week's topics, the most practised first, equals by name; answers of no topic come last."""
    rows: dict[str | None, list[int]] = {}
    for i in first_answers(answers).tolist():
        rows.setdefault(answers.topics[i], []).append(i)
    found = [_topic(name, answers, at, bank, theta) for name, at in rows.items()]
    return sorted(found, key=lambda topic: (topic.name is None, -topic.n_scored, topic.name or ""))


def first_answers(answers: Answers) -> Ints:
    """Rows of the first scored answer to each question."""
    rows = counting(answers)
    return rows[~np.isnan(answers.correct[rows])]


def number_right(p: Floats) -> Floats:
    """Distribution of the number right among independent answers with these probabilities: shape (n + 1,).

    The Poisson binomial distribution, exactly, by one convolution per answer.
    Source: Hong (2013), Computational Statistics & Data Analysis 59, 41-51.
    """
    distribution = np.ones(1)
    for one in p:
        distribution = np.convolve(distribution, (1 - one, one))
    return distribution


def _topic(name: str | None, answers: Answers, rows: list[int], bank: ItemBank, theta: float | None) -> Topic:
    known = [i for i in rows if answers.keys[i] in bank.place]
    n_right, n_right_known = int(answers.correct[rows].sum()), int(answers.correct[known].sum())
    expected = at_least = at_most = math.nan
    if theta is not None and known:
        p = probability_at(bank.items, theta)[[bank.place[answers.keys[i]] for i in known]]
        distribution = number_right(p)
        expected = float(p.sum())
        at_least = float(distribution[n_right_known:].sum())
        at_most = float(distribution[: n_right_known + 1].sum())
    return Topic(name, len(rows), n_right, len(known), n_right_known, expected, at_least, at_most)
