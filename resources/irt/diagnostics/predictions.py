"""What a learner's other answers say of each answer: the base of every diagnostic here.

At an ability estimated from all answers, the answer tested has a part in what it is tested against: residuals are too
small, by much where a learner gave few answers. Predicted from the others alone, an answer of the model is right
exactly as often as predicted.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from resources.irt.eap import eap, log_likelihood_on_grid
from resources.irt.response_functions import Floats, Items, log_right, log_wrong
from resources.irt.response_matrix import ResponseMatrix

_USERS_AT_ONCE = 10_000  # 10 MB of posteriors on 121 points
_MIN_POINTS = 61
_LEAST_LOG_P = -300.0  # its inverse is still a number
_PRIOR_SDS = 6.0
_CERTAIN = 1e-9  # p no nearer to 0 and 1: beyond, a variance p (1 - p) is rounding


@dataclass(frozen=True)
class Predictions:
    """Of each answer, in the order of the answers, from the same learner's other answers.

    `p`, shape (n,), is the probability of a right answer: the mean of P(theta) over the posterior without this answer;
    `sd`, shape (n,), the SD of P(theta) there, negative where the item's slope is; `gradient`, shape (n, 3), how p
    changes with slope a, intercept d = -a b and logit c of the item.
    """

    p: Floats
    sd: Floats
    gradient: Floats


def predict(
    answers: ResponseMatrix, items: Items, prior_mean: Floats | float = 0.0, prior_sd: Floats | float = 1.0
) -> Predictions:
    """Leave-one-out predictions under N(prior_mean, prior_sd^2), a number or one per user, shape (n_users,).

    With posterior weights w of all answers on a grid, those without an answer are w / P(answer), so that one posterior
    per learner serves all of that learner's answers. The grid is as fine as the narrowest posterior asks.
    Source: Gelfand, Dey & Chang (1992), Bayesian Statistics 4, 147-167 (conditional predictive ordinates).
    """
    prior_mean, prior_sd = (np.broadcast_to(np.float64(x), answers.n_users) for x in (prior_mean, prior_sd))
    order = np.lexsort((answers.correct, answers.item, answers.user // _USERS_AT_ONCE))
    user, item, correct = answers.user[order], answers.item[order], answers.correct[order]
    portion = user // _USERS_AT_ONCE
    key = (portion * answers.n_items + item) * 2 + correct
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    moments = np.empty((item.size, 6))
    if item.size:
        theta = _grid(float(eap(answers, items, prior_mean, prior_sd).sd.min()), prior_mean, prior_sd)
        log_likelihood = log_likelihood_on_grid(answers.table(), items, theta)
        current, weights = -1, np.empty(0)
        for start, end in zip(starts, [*starts[1:], item.size], strict=True):
            if portion[start] != current:
                current = int(portion[start])
                at = slice(current * _USERS_AT_ONCE, min((current + 1) * _USERS_AT_ONCE, answers.n_users))
                weights = log_likelihood(at) - 0.5 * ((theta - prior_mean[at, None]) / prior_sd[at, None]) ** 2
                weights -= weights.max(axis=1, keepdims=True)
                np.exp(weights, out=weights)
            curves = _curves_without(items.at(item[start : start + 1]), theta, int(correct[start]))
            moments[start:end] = weights[user[start:end] - current * _USERS_AT_ONCE] @ curves
    back = np.empty_like(moments)
    back[order] = moments / moments[:, :1]
    p = back[:, 1].clip(_CERTAIN, 1 - _CERTAIN)
    sd = np.sign(items.a[answers.item]) * np.sqrt(np.maximum(back[:, 2] - p**2, 0))
    return Predictions(p, sd, back[:, 3:])


def _grid(narrowest: float, prior_mean: Floats, prior_sd: Floats) -> Floats:
    low, high = (prior_mean - _PRIOR_SDS * prior_sd).min(), (prior_mean + _PRIOR_SDS * prior_sd).max()
    return np.linspace(low, high, max(_MIN_POINTS, int(np.ceil((high - low) / narrowest)) + 1))


def _curves_without(item: Items, theta: Floats, correct: int) -> Floats:
    """1, P, P^2 and the derivatives of P by a, d and logit c, each over P(this answer): shape (Q, 6)."""
    log_p = (log_wrong, log_right)[correct](item, theta)[0]
    p, c = np.exp(log_right(item, theta)[0]), item.c[0]
    above_guessing = expit(item.a[0] * (theta - item.b[0]))
    slope = (1 - c) * above_guessing * (1 - above_guessing)
    curves = np.stack([np.ones_like(p), p, p**2, slope * theta, slope, c * (1 - c) * (1 - above_guessing)], axis=1)
    return np.asarray(curves * np.exp(-np.maximum(log_p, _LEAST_LOG_P))[:, None])
