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
from resources.irt.response_matrix import Ints

Method = Literal["joint", "per item", "none"]
Singles = NDArray[np.float32]

_STEP = 1e-5  # of the central difference: truncation 1e-10, rounding 1e-11, relative
_NEGLIGIBLE = 1e-7  # of a user's posterior weight
_NOTHING = 1e-6  # information: a standard error of 1,000


@dataclass(frozen=True)
class StandardErrors:
    """Of slope a, difficulty b, intercept d = -a b and guessing c, each of shape (J,), and of the groups' estimated
    means and log SDs, in the order of `Em.pack`, shape (K,).

    `covariance`, shape (J, 3, 3), is that of each item's a, b and c. NaN: known beforehand, or not estimable (a
    parameter at its limit, an information matrix that is not positive), or, of groups, not computed. `d_with_groups`,
    shape (J, K), is the covariance of d with the groups' parameters.
    """

    a: Floats
    b: Floats
    d: Floats
    c: Floats
    groups: Floats
    covariance: Floats
    d_with_groups: Floats
    method: Method


def standard_errors(em: Em, point: Floats, method: Method = "joint") -> StandardErrors:
    """At the maximum `point` of `em`. Only "joint" holds the uncertainty of estimated groups."""
    eta, mean, sd = em.unpack(point)
    free = em.free & m_step.within_limits(eta)[:, None]
    of_items = _joint_covariance if method == "joint" else _per_item_covariance
    found = of_items(em, eta, mean, sd, free)
    a, d, c = eta[:, SLOPE], eta[:, INTERCEPT], expit(eta[:, LOGIT_C])
    with np.errstate(divide="ignore", invalid="ignore"):
        # Delta method; what is known adds nothing to the uncertainty of the others.
        own = np.where(_both(em.free), found.items, 0)
        turn = np.zeros_like(own)
        turn[:, 0, SLOPE], turn[:, 1, SLOPE], turn[:, 1, INTERCEPT] = 1, d / a**2, -1 / a
        turn[:, 2, LOGIT_C] = c * (1 - c)
        covariance = turn @ own @ turn.transpose(0, 2, 1)
        told = em.free.copy()
        told[:, 1] |= em.free[:, SLOPE]
        covariance = np.where(_both(told), covariance, np.nan)
        variance = np.diagonal(covariance, axis1=1, axis2=2).T
        return StandardErrors(
            np.sqrt(variance[0]), np.sqrt(variance[1]), np.sqrt(found.items[:, INTERCEPT, INTERCEPT]),
            np.sqrt(variance[2]), np.sqrt(np.diagonal(found.groups)), covariance, found.d_with_groups, method,
        )  # fmt: skip


def not_computed(n_items: int, n_groups: int) -> StandardErrors:
    """`n_groups` counts the groups' estimated parameters."""
    nothing, of_groups = np.full(n_items, np.nan), np.full(n_groups, np.nan)
    return StandardErrors(
        nothing, nothing, nothing, nothing, of_groups, np.full((n_items, 3, 3), np.nan),
        np.full((n_items, n_groups), np.nan), "none",
    )  # fmt: skip


@dataclass(frozen=True)
class _Covariance:
    """Blocks of an inverse information: items' own (J, 3, 3), the groups' (K, K), and d's with theirs (J, K)."""

    items: Floats
    groups: Floats
    d_with_groups: Floats


def _joint_covariance(em: Em, eta: Floats, mean: Floats, sd: Floats, free: Free) -> _Covariance:
    """Of the inverse of the whole observed information: of all that is estimated, and of nothing that is known."""
    some = np.flatnonzero(em.free.any(axis=1))
    size = 3 * some.size
    information = -_missing_jointly(em, eta, mean, sd, some)
    blocks = _complete(em, eta, mean, sd, free)[some]
    for k in range(3):
        for m in range(3):
            information[np.arange(k, size, 3), np.arange(m, size, 3)] += blocks[:, k, m]
    information[size:, size:] += _complete_groups(em, eta, mean, sd)
    at = 3 * np.arange(some.size)[:, None, None] + np.arange(3)[:, None]
    own_blocks = at, at.transpose(0, 2, 1)
    # An item about which the answers say nothing (all right, all wrong) must not cost the others their errors.
    told = np.linalg.eigvalsh(np.where(_both(free[some]), information[own_blocks], np.eye(3)))[:, 0] > _NOTHING
    estimable = free[some] & told[:, None]
    index = np.flatnonzero(np.concatenate([estimable.ravel(), np.ones(len(information) - size, dtype=bool)]))
    covariance = np.full_like(information, np.nan)
    covariance[np.ix_(index, index)] = _inverse(information[np.ix_(index, index)])
    items, with_groups = np.full((len(eta), 3, 3), np.nan), np.full((len(eta), len(information) - size), np.nan)
    items[some], with_groups[some] = covariance[own_blocks], covariance[INTERCEPT:size:3, size:]
    return _Covariance(items, covariance[size:, size:], with_groups)


def _per_item_covariance(em: Em, eta: Floats, mean: Floats, sd: Floats, free: Free) -> _Covariance:
    """Of the inverse of each item's block of the observed information, as if all else were known."""
    information = _complete(em, eta, mean, sd, free) - _missing_per_item(em, eta, mean, sd)
    covariance = np.full_like(information, np.nan)
    for j, own in enumerate(free):
        index = np.ix_(np.flatnonzero(own), np.flatnonzero(own))
        covariance[j][index] = _inverse(information[j][index])
    n = int(em.groups.free_mean.sum() + em.groups.free_sd.sum())
    return _Covariance(covariance, np.full((n, n), np.nan), np.full((len(eta), n), np.nan))


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


def _group_scores(em: Em, mean: Floats, sd: Floats) -> tuple[Ints, Floats]:
    """Of the groups' estimated parameters, in the order of `Em.pack`: whose they are, shape (K,), and the derivatives
    of that group's log density of ability, by its mean or log SD, shape (K, Q)."""
    means, sds = np.flatnonzero(em.groups.free_mean), np.flatnonzero(em.groups.free_sd)
    z = (em.sample.theta - mean[:, None]) / sd[:, None]
    return np.concatenate([means, sds]), np.concatenate([z[means] / sd[means, None], z[sds] ** 2 - 1])


def _complete(em: Em, eta: Floats, mean: Floats, sd: Floats, free: Free) -> Floats:
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


def _complete_groups(em: Em, eta: Floats, mean: Floats, sd: Floats) -> Floats:
    """The same for the groups' estimated parameters, shape (K, K); 0 between two groups."""
    mass = em.sample.expected(eta, mean, sd).mass
    whole = np.zeros((2 * mean.size, 2 * mean.size))
    for g, at in enumerate(mass):
        z = (em.sample.theta - mean[g]) / sd[g]
        both = [[at.sum() / sd[g] ** 2, 2 * (at @ z) / sd[g]], [2 * (at @ z) / sd[g], 2 * (at @ z**2)]]
        whole[np.ix_([g, mean.size + g], [g, mean.size + g])] = both
    estimated = np.flatnonzero(np.concatenate([em.groups.free_mean, em.groups.free_sd]))
    return np.asarray(whole[np.ix_(estimated, estimated)])


def _missing_jointly(em: Em, eta: Floats, mean: Floats, sd: Floats, some: NDArray[np.intp]) -> Floats:
    """The posterior covariance of each user's complete-data score for these items and the groups, summed over users.

    The score of user u at ability q for parameter k of item j is E_uj(q) v_jk(q), with E = y - P where answered; his
    group's is the same with E = 1, and other groups' with E = 0. So its second moments need one product E' diag(weight)
    E per q.
    """
    theta, n_items, n_groups = em.sample.theta, some.size, mean.size
    p, v = (factor[some] for factor in _score_factors(em, eta))
    whose, of_groups = _group_scores(em, mean, sd)
    single_p = p.astype(np.float32)  # halves the time, and leaves 1e-6 of the standard errors
    own = 3 * n_items
    grams = np.zeros((theta.size, n_items + n_groups, n_items + n_groups), dtype=np.float32)
    of_means = np.zeros((own + whose.size,) * 2)
    for answered_all, right_all, weights, group in _portions_by_ability(em, eta, mean, sd):
        answered, right = answered_all[:, some], right_all[:, some]
        member = group[:, None] == np.arange(n_groups)
        scores = np.concatenate(
            [_mean_scores(answered, right, weights, p, v), (weights @ of_groups.T) * member[:, whose]], axis=1
        )
        of_means += scores.T @ scores
        error = np.ones((len(weights), n_items + n_groups), dtype=np.float32)
        for q in np.flatnonzero(weights.max(axis=0) > _NEGLIGIBLE):
            root = np.sqrt(weights[:, q, None]).astype(np.float32)
            error[:, :n_items] = (right - answered * single_p[:, q]) * root
            error[:, n_items:] = member * root
            grams[q] += error.T @ error
    factors = np.concatenate([v.reshape(own, theta.size), of_groups])
    owner = np.concatenate([np.repeat(np.arange(n_items), 3), n_items + whose])
    moments = np.zeros_like(of_means)
    for gram, factor in zip(grams, factors.T, strict=True):
        moments += gram.astype(np.float64)[np.ix_(owner, owner)] * np.outer(factor, factor)
    return np.asarray(moments - of_means)


def _missing_per_item(em: Em, eta: Floats, mean: Floats, sd: Floats) -> Floats:
    """As above within each item alone, shape (J, 3, 3): needs no products of items."""
    p, v = _score_factors(em, eta)
    expected = em.sample.expected(eta, mean, sd)
    squared = expected.r * (1 - p) ** 2 + (expected.n - expected.r) * p**2
    result = np.einsum("jq,jkq,jlq->jkl", squared, v, v, optimize=True)
    for answered, right, weights, _ in _portions_by_ability(em, eta, mean, sd):
        scores = _mean_scores(answered, right, weights, p, v).reshape(len(weights), -1, 3)
        result -= np.einsum("ujk,ujl->jkl", scores, scores, optimize=True)
    return np.asarray(result)


def _score_factors(em: Em, eta: Floats) -> tuple[Floats, Floats]:
    """P, shape (J, Q), and v, shape (J, 3, Q)."""
    p, u, w = m_step.curves(eta, em.sample.theta)
    return p, np.stack([u * em.sample.theta, u, w], axis=1)


def _portions_by_ability(
    em: Em, eta: Floats, mean: Floats, sd: Floats
) -> Iterator[tuple[Singles, Singles, Floats, Ints]]:
    """Answers and right answers as dense matrices, posterior weights and groups, of users of much the same ability.

    Alike, so that most points of the grid matter to none of a portion and can be passed over.
    """
    n_items = len(eta)
    size = max(50, min(500, 2_000_000 // n_items))
    for whole, _, group in em.sample.portions:
        weights, _ = em.sample.posteriors(whole, group, eta, mean, sd)
        order = np.argsort(weights @ em.sample.theta)
        for start in range(0, len(order), size):
            users = order[start : start + size]
            counts = whole[users].toarray().astype(np.float32)
            right = counts[:, n_items:]
            yield counts[:, :n_items] + right, right, weights[users], group[users]


def _mean_scores(answered: Singles, right: Singles, weights: Floats, p: Floats, v: Floats) -> Floats:
    """The posterior mean of each user's score, shape (users, 3 J)."""
    n_items = len(p)
    if_right = (weights @ v.reshape(3 * n_items, v.shape[-1]).T).reshape(len(weights), n_items, 3)
    lost = (weights @ (p[:, None] * v).reshape(3 * n_items, v.shape[-1]).T).reshape(len(weights), n_items, 3)
    return np.asarray(right[:, :, None] * if_right - answered[:, :, None] * lost).reshape(len(weights), 3 * n_items)
