"""Standard errors of calibrated parameters, from the observed information of the marginal likelihood.

Louis (1982, JRSS B 44, 226-233): what the answers would tell if abilities were known, less what not knowing them costs.
"joint" is exact: the whole matrix, for which R mirt's default (Oakes) takes differences. Its work grows with users x
items^2 and its memory with items^2 (4 bytes x points). "per item" inverts each item's own block, as if the others were
known: at most some per cent too small once there are dozens of items. The products are small: on a machine that does
other work as well, OPENBLAS_NUM_THREADS=1 is several times faster.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from resources.irt.calibration import m_step
from resources.irt.calibration.em import Em
from resources.irt.calibration.m_step import INTERCEPT, LOGIT_C, SLOPE, Free
from resources.irt.response_functions import Floats

Method = Literal["joint", "per item", "none"]
Singles = NDArray[np.float32]

_STEP = 1e-5  # of the central difference: truncation 1e-10, rounding 1e-11, relative
_NEGLIGIBLE = 1e-7  # of a user's posterior weight
_NOTHING = 1e-6  # information: a standard error of 1,000


@dataclass(frozen=True)
class StandardErrors:
    """Of slope a, difficulty b, intercept d = -a b and guessing c, each of shape (J,).

    NaN: known beforehand, or not estimable (a parameter at its limit, an information matrix that is not positive).
    """

    a: Floats
    b: Floats
    d: Floats
    c: Floats
    method: Method


def standard_errors(em: Em, point: Floats, method: Method = "joint") -> StandardErrors:
    """At the maximum `point` of `em`. Only "joint" holds the uncertainty of an estimated group."""
    eta, mean, sd = em.unpack(point)
    free = em.free & m_step.within_limits(eta)[:, None]
    if method == "joint":
        covariance = _joint_covariance(em, eta, mean, sd, free)
    else:
        covariance = _per_item_covariance(em, eta, mean, sd, free)
    var_a, var_d, var_logit_c = (covariance[:, k, k] for k in (SLOPE, INTERCEPT, LOGIT_C))
    a, d, c = eta[:, SLOPE], eta[:, INTERCEPT], expit(eta[:, LOGIT_C])
    with np.errstate(divide="ignore", invalid="ignore"):
        b = -d / a
        # Delta method; a known a adds nothing to the uncertainty of b.
        a_part = np.where(free[:, SLOPE], b**2 * var_a + 2 * b * covariance[:, SLOPE, INTERCEPT], 0)
        return StandardErrors(
            np.sqrt(var_a), np.sqrt((var_d + a_part) / a**2), np.sqrt(var_d), c * (1 - c) * np.sqrt(var_logit_c), method
        )  # fmt: skip


def not_computed(n_items: int) -> StandardErrors:
    nothing = np.full(n_items, np.nan)
    return StandardErrors(nothing, nothing, nothing, nothing, "none")


def _joint_covariance(em: Em, eta: Floats, mean: float, sd: float, free: Free) -> Floats:
    """Each item's block of the inverse of the whole observed information, shape (J, 3, 3)."""
    size = eta.size
    group = _group_scores(em, mean, sd)
    information = -_missing_jointly(em, eta, mean, sd, group)
    blocks = _complete(em, eta, mean, sd, free)
    for k in range(3):
        for m in range(3):
            information[np.arange(k, size, 3), np.arange(m, size, 3)] += blocks[:, k, m]
    information[size:, size:] += _complete_group(em, eta, mean, sd)
    at = 3 * np.arange(len(eta))[:, None, None] + np.arange(3)[:, None]
    own_blocks = at, at.transpose(0, 2, 1)
    # An item about which the answers say nothing (all right, all wrong) must not cost the others their errors.
    told = np.linalg.eigvalsh(np.where(_both(free), information[own_blocks], np.eye(3)))[:, 0] > _NOTHING
    estimable = free & told[:, None]
    index = np.flatnonzero(np.concatenate([estimable.ravel(), np.ones(len(group), dtype=bool)]))
    covariance = np.full_like(information, np.nan)
    covariance[np.ix_(index, index)] = _inverse(information[np.ix_(index, index)])
    return np.asarray(covariance[own_blocks])


def _per_item_covariance(em: Em, eta: Floats, mean: float, sd: float, free: Free) -> Floats:
    """The inverse of each item's block of the observed information, shape (J, 3, 3)."""
    information = _complete(em, eta, mean, sd, free) - _missing_per_item(em, eta, mean, sd)
    covariance = np.full_like(information, np.nan)
    for j, own in enumerate(free):
        index = np.ix_(np.flatnonzero(own), np.flatnonzero(own))
        covariance[j][index] = _inverse(information[j][index])
    return covariance


def _both(free: Free) -> NDArray[np.bool_]:
    """Pairs of parameters of an item that are both free, shape (J, 3, 3)."""
    return free[:, :, None] & free[:, None, :]


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


def _complete(em: Em, eta: Floats, mean: float, sd: float, free: Free) -> Floats:
    """Minus the second derivatives of each item's expected complete-data log-likelihood and prior, shape (J, 3, 3)."""
    expected = em.sample.expected(eta, mean, sd)

    def slope(at: Floats) -> Floats:
        return m_step.gradient(expected.n, expected.r, em.sample.theta, at) + em.priors.derivatives(at, free)[0]

    result = np.zeros((len(eta), 3, 3))
    for k in range(3):
        move = np.zeros_like(eta)
        move[free[:, k], k] = _STEP
        result[:, k] = -(slope(eta + move) - slope(eta - move)) / (2 * _STEP)
    return (result + result.transpose(0, 2, 1)) / 2


def _complete_group(em: Em, eta: Floats, mean: float, sd: float) -> Floats:
    """The same for the group's estimated mean and log SD, shape (0 to 2, 0 to 2)."""
    z = (em.sample.theta - mean) / sd
    mass = em.sample.expected(eta, mean, sd).mass
    both = np.array([[mass.sum() / sd**2, 2 * (mass @ z) / sd], [2 * (mass @ z) / sd, 2 * (mass @ z**2)]])
    estimated = np.flatnonzero([em.estimate_mean, em.estimate_sd])
    return both[np.ix_(estimated, estimated)]


def _missing_jointly(em: Em, eta: Floats, mean: float, sd: float, group: Floats) -> Floats:
    """The posterior covariance of each user's complete-data score, summed over users.

    The score of user u at ability q for parameter k of item j is E_uj(q) v_jk(q), with E = y - P where answered; the
    group's is the same with E = 1. So its second moments need one product E' diag(weight) E per q.
    """
    theta, n_items = em.sample.theta, len(eta)
    p, v = _score_factors(em, eta)
    single_p = p.astype(np.float32)  # halves the time, and leaves 1e-6 of the standard errors
    own = 3 * n_items
    grams = np.zeros((theta.size, n_items + 1, n_items + 1), dtype=np.float32)
    of_means = np.zeros((own + len(group),) * 2)
    for answered, right, weights in _portions_by_ability(em, eta, mean, sd):
        scores = np.concatenate([_mean_scores(answered, right, weights, p, v), weights @ group.T], axis=1)
        of_means += scores.T @ scores
        error = np.ones((len(weights), n_items + 1), dtype=np.float32)
        for q in np.flatnonzero(weights.max(axis=0) > _NEGLIGIBLE):
            root = np.sqrt(weights[:, q, None]).astype(np.float32)
            error[:, :n_items] = (right - answered * single_p[:, q]) * root
            error[:, n_items:] = root
            grams[q] += error.T @ error
    factors = np.concatenate([v.reshape(own, -1), group])
    owner = np.concatenate([np.repeat(np.arange(n_items), 3), np.full(len(group), n_items)])
    moments = np.zeros_like(of_means)
    for gram, factor in zip(grams, factors.T, strict=True):
        moments += gram.astype(np.float64)[np.ix_(owner, owner)] * np.outer(factor, factor)
    return np.asarray(moments - of_means)


def _missing_per_item(em: Em, eta: Floats, mean: float, sd: float) -> Floats:
    """As above within each item alone, shape (J, 3, 3): needs no products of items."""
    p, v = _score_factors(em, eta)
    expected = em.sample.expected(eta, mean, sd)
    squared = expected.r * (1 - p) ** 2 + (expected.n - expected.r) * p**2
    result = np.einsum("jq,jkq,jlq->jkl", squared, v, v, optimize=True)
    for answered, right, weights in _portions_by_ability(em, eta, mean, sd):
        scores = _mean_scores(answered, right, weights, p, v).reshape(len(weights), -1, 3)
        result -= np.einsum("ujk,ujl->jkl", scores, scores, optimize=True)
    return np.asarray(result)


def _score_factors(em: Em, eta: Floats) -> tuple[Floats, Floats]:
    """P, shape (J, Q), and v, shape (J, 3, Q)."""
    p, u, w = m_step.curves(eta, em.sample.theta)
    return p, np.stack([u * em.sample.theta, u, w], axis=1)


def _portions_by_ability(em: Em, eta: Floats, mean: float, sd: float) -> Iterator[tuple[Singles, Singles, Floats]]:
    """Answers and right answers as dense matrices, and posterior weights, of users whose abilities are much alike.

    Alike, so that most points of the grid matter to none of a portion and can be passed over.
    """
    n_items = len(eta)
    size = max(50, min(500, 2_000_000 // n_items))
    for whole, _ in em.sample.portions:
        weights, _ = em.sample.posteriors(whole, eta, mean, sd)
        order = np.argsort(weights @ em.sample.theta)
        for start in range(0, len(order), size):
            users = order[start : start + size]
            counts = whole[users].toarray().astype(np.float32)
            right = counts[:, n_items:]
            yield counts[:, :n_items] + right, right, weights[users]


def _mean_scores(answered: Singles, right: Singles, weights: Floats, p: Floats, v: Floats) -> Floats:
    """The posterior mean of each user's score, shape (users, 3 J)."""
    n_items = len(p)
    if_right = (weights @ v.reshape(3 * n_items, -1).T).reshape(-1, n_items, 3)
    lost = (weights @ (p[:, None] * v).reshape(3 * n_items, -1).T).reshape(-1, n_items, 3)
    return np.asarray(right[:, :, None] * if_right - answered[:, :, None] * lost).reshape(-1, 3 * n_items)
