"""What remains between two items' answers once ability is allowed for: sums over the learners who answered both.

Every sum is a product of sparse tables, so that a bank of 500 items and 20,000 learners takes seconds.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from resources.irt.diagnostics.predictions import Predictions
from resources.irt.response_functions import Floats
from resources.irt.response_matrix import ResponseMatrix


@dataclass(frozen=True)
class Pairs:
    """Of each pair of items, shape (n_items, n_items), symmetric, the diagonal without meaning.

    `n` learners answered both. `covariance` is the sum of products of their residuals, expected 0 where ability is all
    that the two answers have in common, with `variance` and third central moment `third`.
    """

    n: Floats
    covariance: Floats
    variance: Floats
    third: Floats


def pairs(answers: ResponseMatrix, predictions: Predictions) -> Pairs:
    """From residuals answer - p, with p from the learner's other answers.

    p of one item knows the answer to the other, so the product of the two residuals is not 0 on average but minus the
    covariance of the two probabilities over what is not known of ability; that is the product of their SDs there, as
    both hang on the one ability, and is added back. Third moments are those of independent answers: with easy items
    or few learners sums are too skew for a normal distribution.
    """
    p = predictions.p
    variance = p * (1 - p)
    return Pairs(
        n=shared(answers, np.ones_like(p)),
        covariance=shared(answers, answers.correct - p) + shared(answers, predictions.sd),
        variance=shared(answers, variance),
        third=shared(answers, variance * (1 - 2 * p)),
    )


def shared(answers: ResponseMatrix, x: Floats, y: Floats | None = None) -> Floats:
    """Sums of x of one item times y (x, where not given) of the other over users with both, shape (n_items, n_items).

    x and y have shape (n,), in the order of the answers.
    """
    left = _table(answers, x)
    return np.asarray((left.T @ (left if y is None else _table(answers, y))).toarray())


def _table(answers: ResponseMatrix, x: Floats) -> csr_array:
    return coo_array((x, (answers.user, answers.item)), shape=(answers.n_users, answers.n_items)).tocsr()
