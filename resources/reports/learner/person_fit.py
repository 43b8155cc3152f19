"""How usual a learner's pattern of right and wrong is at their ability."""

import math
from dataclasses import dataclass

import numpy as np

from resources.model import ItemBank
from resources.reports.learner.curves import probability_right
from resources.reports.learner.expected_score import first_answers
from resources.reports.learner.report_input import Answers

MIN_ANSWERS = 20  # with fewer, lz is far from normal and one slip makes a pattern
UNUSUAL = -2.0  # under the model about one learner in forty falls below it


@dataclass(frozen=True)
class PersonFit:
    """`lz` from `n` answers."""

    lz: float
    n: int


def person_fit(answers: Answers, bank: ItemBank, theta: float) -> PersonFit | None:
    """Standardised log-likelihood at `theta` of the first scored answers of the week; None with too few to say.

    Nearer 0 than a true z where theta is estimated from the same answers.
    Source: Drasgow, Levine & Williams (1985), British Journal of Mathematical and Statistical Psychology 38, 67-86.
    """
    rows = [i for i in first_answers(answers) if answers.item_keys[i] in bank.place]
    if len(rows) < MIN_ANSWERS:
        return None
    p = probability_right(bank, theta)[[bank.place[answers.item_keys[i]] for i in rows]]
    with np.errstate(divide="ignore", invalid="ignore"):  # p rounds to 0 or 1 far from b: no variance, no lz
        right, wrong = np.log(p), np.log1p(-p)
        observed = float(np.where(answers.correct[rows] == 1, right, wrong).sum())
        expected = float((p * right + (1 - p) * wrong).sum())
        variance = float((p * (1 - p) * (right - wrong) ** 2).sum())
    lz = (observed - expected) / math.sqrt(variance) if variance > 0 else math.nan
    return PersonFit(lz, len(rows)) if math.isfinite(lz) else None
