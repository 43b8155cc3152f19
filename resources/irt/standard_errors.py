"""Standard errors of calibrated parameters, from the observed information of the marginal likelihood.

Louis (1982, JRSS B 44, 226-233): what the answers would tell if abilities were known, less what not knowing them costs.
Exact at the maximum, for all parameters jointly; R mirt's default (Oakes) computes the same matrix by differences.
Work: users x items^2 x points, as dense products; 20,000 users x 200 items x 61 points take about as long as the EM.
"""

from dataclasses import dataclass

import numpy as np

from resources.irt import item_step
from resources.irt.curves import Floats
from resources.irt.em import Em
from resources.irt.item_step import INTERCEPT, LIMITS, LOGIT_C, SLOPE, Free

_STEP = 1e-5  # of the central difference: truncation 1e-10, rounding 1e-11, relative
_USERS_AT_ONCE = 2_000


@dataclass(frozen=True)
class StandardErrors:
    """Of slope a, difficulty b, intercept d = -a b and guessing c, each of shape (J,).

    NaN: known beforehand, or not estimable (a parameter at its limit, an information matrix that is not positive).
    """

    a: Floats
    b: Floats
    d: Floats
    c: Floats


def standard_errors(em: Em, point: Floats) -> StandardErrors:
    """At the maximum `point` of `em`; uncertainty of an estimated group is part of them."""
    eta, mean, sd = em.unpack(point)
    free = em.free & (np.abs(eta) < LIMITS)
    n_items = len(eta)
    group = _group_scores(em, mean, sd)
    index = np.flatnonzero(np.concatenate([free.ravel(), np.ones(len(group), dtype=bool)]))
    information = (_complete(em, eta, mean, sd, free, group) - _missing(em, eta, mean, sd, group))[np.ix_(index, index)]
    covariance = np.full((3 * n_items, 3 * n_items), np.nan)
    own = index[index < 3 * n_items]
    covariance[np.ix_(own, own)] = _inverse(information)[: own.size, : own.size]
    at = 3 * np.arange(n_items)
    variances = covariance[at + SLOPE, at + SLOPE], covariance[at + INTERCEPT, at + INTERCEPT]
    ad = np.nan_to_num(covariance[at + SLOPE, at + INTERCEPT])
    a, d, c = eta[:, SLOPE], eta[:, INTERCEPT], 1 / (1 + np.exp(-eta[:, LOGIT_C]))
    with np.errstate(divide="ignore", invalid="ignore"):
        b = -d / a
        # Delta method. A known a adds nothing to the uncertainty of b; a known d is part of a known item.
        var_b = (variances[1] + b**2 * np.where(free[:, SLOPE], variances[0], 0) + 2 * b * ad) / a**2
        return StandardErrors(
            np.sqrt(variances[0]), np.sqrt(var_b), np.sqrt(variances[1]),
            c * (1 - c) * np.sqrt(covariance[at + LOGIT_C, at + LOGIT_C]),
        )  # fmt: skip


def not_computed(n_items: int) -> StandardErrors:
    nothing = np.full(n_items, np.nan)
    return StandardErrors(nothing, nothing, nothing, nothing)


def _inverse(information: Floats) -> Floats:
    """NaN throughout where the matrix is not positive definite: the point is then no maximum."""
    try:
        half = np.linalg.inv(np.linalg.cholesky(information))
    except np.linalg.LinAlgError:
        return np.full_like(information, np.nan)
    return np.asarray(half.T @ half)


def _group_scores(em: Em, mean: float, sd: float) -> Floats:
    """Derivatives of the log density of ability by its estimated mean and log SD, shape (0 to 2, Q)."""
    z = (em.sample.theta - mean) / sd
    return np.array([z / sd] * em.estimate_mean + [z**2 - 1] * em.estimate_sd).reshape(-1, z.size)


def _complete(em: Em, eta: Floats, mean: float, sd: float, free: Free, group: Floats) -> Floats:
    """Minus the second derivatives of the expected complete-data log-likelihood and prior: a block per item, a last one
    for the group."""
    expected = em.sample.expected(eta, mean, sd)

    def slope(at: Floats) -> Floats:
        return item_step.gradient(expected.n, expected.r, em.sample.theta, at) + em.priors.derivatives(at, free)[0]

    size = eta.size
    result = np.zeros((size + len(group),) * 2)
    for k in range(3):
        move = np.zeros_like(eta)
        move[free[:, k], k] = _STEP
        by_k = -(slope(eta + move) - slope(eta - move)) / (2 * _STEP)
        for m in range(3):
            result[np.arange(k, size, 3), np.arange(m, size, 3)] = by_k[:, m]
    if len(group):  # second derivatives of the normal log density by mean and log SD, summed over users
        z = (em.sample.theta - mean) / sd
        users, sum_z, sum_zz = expected.mass.sum(), expected.mass @ z, expected.mass @ z**2
        full = np.array([[users / sd**2, 2 * sum_z / sd], [2 * sum_z / sd, 2 * sum_zz]])
        keep = np.flatnonzero([em.estimate_mean, em.estimate_sd])
        result[size:, size:] = full[np.ix_(keep, keep)]
    return (result + result.T) / 2


def _missing(em: Em, eta: Floats, mean: float, sd: float, group: Floats) -> Floats:
    """The posterior covariance of each user's complete-data score, summed over users.

    The score of user u at ability q for parameter k of item j is E_uj(q) v_jk(q), with E = (y - P) where answered; the
    group's is the same with E = 1. So the sum over users needs one product E' diag(weight) E per q.
    """
    theta, n_items = em.sample.theta, len(eta)
    p, u, w = item_step.curves(eta, theta)
    v = np.stack([u * theta, u, w], axis=1).reshape(3 * n_items, theta.size)
    owner = np.repeat(np.arange(n_items), 3)
    second = np.zeros((v.shape[0] + len(group),) * 2)
    means = np.zeros_like(second)
    columns = np.concatenate([owner, np.full(len(group), n_items)])
    v = np.concatenate([v, group])
    gram = np.zeros((theta.size, n_items + 1, n_items + 1), dtype=np.float32)
    for whole, _ in em.sample.portions:
        for start in range(0, whole.shape[0], _USERS_AT_ONCE):
            part = whole[start : start + _USERS_AT_ONCE]
            weights, _ = em.sample.posteriors(part, eta, mean, sd)
            counts = part.toarray()
            right, answered = counts[:, n_items:], counts[:, :n_items] + counts[:, n_items:]
            mean_score = np.zeros((part.shape[0], v.shape[0]))
            for q in range(theta.size):
                error = np.concatenate([right - answered * p[:, q], np.ones((part.shape[0], 1))], axis=1)
                mean_score += (weights[:, q, None] * error)[:, columns] * v[:, q]
                error *= np.sqrt(weights[:, q, None])
                # float32 halves the time and leaves 1e-6 of the standard errors
                single = error.astype(np.float32)
                gram[q] += single.T @ single
            means += mean_score.T @ mean_score
    for q in range(theta.size):
        second += gram[q].astype(np.float64)[np.ix_(columns, columns)] * np.outer(v[:, q], v[:, q])
    return second - means
