"""The score function of ability, the information and what Warm's correction needs: sums over each user's answers.

With P' and P'' the derivatives of P: S = sum of (x - P) P' / (P (1 - P)), the derivative of the log-likelihood;
I = sum of P'^2 / (P (1 - P)), its variance; J = sum of P' P'' / (P (1 - P)). Metric: logistic, D = 1.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit

from resources.irt.response_functions import Floats, Items
from resources.irt.response_matrix import Ints, ResponseMatrix


@dataclass(frozen=True)
class Terms:
    """S (logit^-1), I (logit^-2) and J (logit^-3), of one shape."""

    score: Floats
    information: Floats
    j: Floats


def terms_of(items: Items, correct: Ints, theta: Floats) -> Terms:
    """Of single answers, one per item: shape (J, Q) for `theta` of shape (Q,) or (J, Q) and `correct` of shape (J,)."""
    a, c = items.a[:, None], items.c[:, None]
    z = a * (theta - items.b[:, None])
    above, below = expit(z), expit(-z)
    # All as products of logistic functions: no difference of nearly equal numbers, and no 0 / 0 without guessing.
    share = np.where(c > 0, above / np.where(c > 0, c + (1 - c) * above, 1), 1)
    information = a**2 * (1 - c) * above * below * share
    score = np.where(correct[:, None] == 1, a * (1 - c) * below * share, -a * above)
    return Terms(score, information, a * (below - above) * information)


def third_moments(items: Items, theta: Floats) -> Floats:
    """Third central moment of the score of single answers, P (1 - P) (1 - 2 P) (P' / (P (1 - P)))^3, shape (J, Q).

    Under the 2PL that is J.
    """
    a, c = items.a[:, None], items.c[:, None]
    above = expit(a * (theta - items.b[:, None]))
    p = c + (1 - c) * above
    weight = a * np.where(c > 0, above / np.where(c > 0, p, 1), 1)
    return np.asarray(p * (1 - p) * (1 - 2 * p) * weight**3)


def sums_on_grid(table: csr_array, items: Items, theta: Floats) -> Terms:
    """Sums per row of the table of answers (`ResponseMatrix.table`) at the points `theta`: shape (rows, Q)."""
    n_items = items.a.size
    per_answer = np.zeros((2 * n_items, 3 * theta.size))
    occurs = np.flatnonzero(np.bincount(table.indices, minlength=2 * n_items))
    of = terms_of(items.at(occurs % n_items), occurs // n_items, theta)
    per_answer[occurs] = np.concatenate([of.score, of.information, of.j], axis=1)
    return Terms(*np.split(np.asarray(table @ per_answer), 3, axis=1))


def sums_at(answers: ResponseMatrix, items: Items, theta: Floats) -> Terms:
    """Sums per user, each at his own `theta` of shape (n_users,): shape (n_users,)."""
    of = terms_of(items.at(answers.item), answers.correct, theta[answers.user, None])

    def of_users(value: Floats) -> Floats:
        return np.bincount(answers.user, value[:, 0], answers.n_users).astype(np.float64)

    return Terms(of_users(of.score), of_users(of.information), of_users(of.j))
