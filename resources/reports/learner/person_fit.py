"""How usual a learner's pattern of right and wrong is at their ability."""

from dataclasses import dataclass

import numpy as np

from resources.irt.fit import lz_star
from resources.irt.response_matrix import ResponseMatrix
from resources.reports.learner.report_input import ReportInput

MIN_ANSWERS = 8  # as for a level; of so few of the model's learners 2.4 % fall below -2, of 60 answers 3.0 %
UNUSUAL = -2.0  # under the model about one learner in forty falls below it


@dataclass(frozen=True)
class PersonFit:
    """`lz_star` (see `irt.fit.lz_star`) from `n` answers; NaN where no answer could be a surprise."""

    lz_star: float
    n: int


def person_fit(given: ReportInput) -> PersonFit | None:
    """Of the first scored answers of the week, at the level; None without one, or with too few answers to say."""
    answers, bank = given.answers, given.bank
    rows = [i for i in given.first_answers.tolist() if answers.keys[i] in bank.place]
    if given.level is None or len(rows) < MIN_ANSWERS:
        return None
    item = np.array([bank.place[answers.keys[i]] for i in rows])
    correct = answers.correct[rows].astype(np.int64)
    matrix = ResponseMatrix(np.zeros_like(item), item, correct, 1, len(bank.item_keys))
    return PersonFit(lz_star(matrix, bank.items, np.array([given.level.theta])).item(), len(rows))
