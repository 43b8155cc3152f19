"""How much of a learner's week was answered faster than anybody can read a question: rapid guesses.

Stays out: what became of them; the estimate counts them like all others.
"""

from dataclasses import dataclass

import numpy as np

from resources.reports.learner.report_input import ReportInput

RAPID_SHARE = 0.1  # of an item's mean time: the normative threshold NT10 of Wise & Ma (2012)
RAPID_AT_MOST_MS = 10_000  # nor is a slower answer to a long item a rapid guess (same source)
MIN_TIMED = 8  # answers, as for person fit: one rapid guess of fewer is a share of its own


@dataclass(frozen=True)
class Effort:
    """Of `n` answers that have a time, and whose item has a usual one, `n_rapid` were rapid guesses."""

    n_rapid: int
    n: int

    @property
    def share(self) -> float:
        """Response-time effort: the share of answers that were no rapid guesses (Wise & Kong, 2005)."""
        return 1 - self.n_rapid / self.n


def effort(given: ReportInput) -> Effort | None:
    """Of the first scored answers of the week to each item; None where fewer than MIN_TIMED can be judged."""
    answers = given.answers
    rows = given.first_answers
    usual = np.array([given.usual_ms.get(answers.keys[row], np.nan) for row in rows.tolist()])
    took = answers.response_time_ms[rows]
    n = int((~np.isnan(took) & ~np.isnan(usual)).sum())
    rapid = took < np.minimum(RAPID_SHARE * usual, RAPID_AT_MOST_MS)  # never, where either is NaN
    return Effort(int(rapid.sum()), n) if n >= MIN_TIMED else None
