"""Which attempt at an item counts: the one rule of scoring, calibration, reports and the cohort."""

from typing import Literal

import numpy as np

from resources.answers.answers import Answers
from resources.model import Ints

Attempt = Literal["first", "last", "all"]


def counting(answers: Answers, attempt: Attempt = "first") -> Ints:
    """The rows that count, ascending: of each user and item the first or the last attempt, or all of them.

    A skipped attempt gives way to an answered one. Ties in time are broken by attempt_no, session and outcome, never by
    row order.
    """
    if attempt == "all":
        return np.arange(len(answers))
    pair = answers.user * len(answers.item_keys) + answers.item
    by_pair = np.argsort(pair)
    again = pair[by_pair[1:]] == pair[by_pair[:-1]]
    # Most answers have no rival, and putting all in order is what takes the time.
    is_rival = np.zeros(pair.size, dtype=bool)
    is_rival[by_pair[1:][again]] = is_rival[by_pair[:-1][again]] = True
    rivals = np.flatnonzero(is_rival)
    if rivals.size:
        is_rival[rivals[_best(answers.take(rivals), pair[rivals], attempt)]] = False
    return np.flatnonzero(~is_rival)


def _best(answers: Answers, pair: Ints, attempt: Literal["first", "last"]) -> Ints:
    """The row that counts of each pair of user and item."""
    sign = 1 if attempt == "first" else -1
    order = np.lexsort((
        sign * answers.correct,
        sign * answers.session,
        sign * answers.attempt_no,
        sign * answers.completed_at.astype(np.int64),
        np.isnan(answers.correct),
        pair,
    ))  # fmt: skip
    return order[np.unique(pair[order], return_index=True)[1]]
