"""Ability as the mean and SD of its posterior (EAP) under a 2PL or 3PL bank and a normal prior.

Source: Bock & Mislevy (1982), Adaptive EAP estimation of ability in a microcomputer environment, Applied Psychological
Measurement 6(4), 431-444.

What decides the accuracy is the grid. On equally spaced points a smooth density is integrated with an error that falls
exponentially: for a normal posterior of SD s and spacing h the relative error of the SD is x exp(-x/2) with
x = (2 pi s / h)^2: 1e-7 at h = s, 8e-4 at h = 1.4 s, and at h = 3 s, where a long history puts all its mass on one
point, anything. Guessing makes posteriors with an edge far steeper than their SD tells. So a grid is believed only
where half of its points give nearly the same answer (the full grid is then off by about the square of that difference),
and a user whose posterior is too narrow, too steep or too far out for it gets a better one.
"""

import functools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from resources.irt.response_functions import Floats, Items, log_right, log_wrong
from resources.irt.response_matrix import ResponseMatrix

if TYPE_CHECKING:
    from scipy.sparse import csr_array

POINTS = (121, 241, 481)  # suffice for about 200, 800 and 3,000 answers
COMMON_HALF_WIDTH = 6.0  # the grid of all learners with an ordinary prior: whatever it is, one table of curves serves
ORDINARY_MEAN, ORDINARY_SD = 4.0, 1.0  # the prior's largest |mean| and SD for which that grid is tried first
OWN_POINTS = 121
PRIOR_SDS = 6.0
HALF_GRID = 1e-3  # of the SD: what leaving out every other point may change
NEGLIGIBLE = 1e-7  # density at a grid's end against its maximum: a normal tail cut there costs 1e-7 of the SE
MAX_ROUNDS = 8  # the last has 15,361 points. Priors of SD up to 3 were seen to need 3, SD 30 with guessing all 8

_USERS_AT_ONCE = 1_000  # 1 MB of log densities on 121 points: stays in the cache
# No more answers than this, of one user or of several, are summed directly: it takes a fraction of making the sparse
# table. The curves of banks up to this size are kept for that, 2 to 8 kB an item.
_FEW, _FEW_OF_SEVERAL, _KEPT_ITEMS = 5_000, 500, 5_000
_VALUES_AT_ONCE = 2_500_000  # 20 MB of log probabilities on own grids, or one user's whole history


@dataclass(frozen=True)
class Posterior:
    """Mean and SD of ability per user, in logits, each of shape (n_users,)."""

    mean: Floats
    sd: Floats


def eap(
    answers: ResponseMatrix, items: Items, prior_mean: Floats | float = 0.0, prior_sd: Floats | float = 1.0
) -> Posterior:
    """Posterior means and SDs under N(prior_mean, prior_sd^2), each SD to about 1e-6 of itself, by this rule per user:

    1. Take 121 equally spaced points, spacing h: from -6 to 6 where |prior_mean| <= 4 and prior_sd <= 1, else over
       prior_mean +- 6 prior_sd. Density at a point = prior times likelihood, from logarithms less their maximum; mean
       m and SD s are its first two moments. m' and s' are the same from every other point: the first, third, ... and
       last.
    2. Done if h <= s, |m' - m| <= .001 s, |s' - s| <= .001 s, and the density at both ends is at most 1e-7 of its
       maximum on the grid. (Every other point may hold no mass at all; m' does not exist then, and it is not done.)
    3. Else the same with 241, then 481 points over the same range.
    4. Else in rounds k = 1 to 8 the same with 120 * 2^(k-1) + 1 points over m +- w, m the last mean. Where an end was
       above 1e-7 (range too narrow), w is twice the last half-width; where not, w is 8 max(s, h), but not above the
       last half-width.

    `prior_mean` and `prior_sd` are one number for all users or arrays of shape (n_users,). The result does not depend
    on who else is among the users, nor on the order of the answers beyond rounding. Nothing is clamped: all right or
    all wrong are finite, and may lie outside +- 6. A user without answers has the prior's moments. Memory beyond the
    table of answers: 16 bytes per item answered and point, and some 50 MB.

    Raises:
        ValueError: a prior that is no normal distribution.
        ArithmeticError: a posterior that no round could resolve, as with parameters that are not finite.
    """
    mean, sd = (_of_each(given, answers.n_users) for given in (prior_mean, prior_sd))
    wrong = np.flatnonzero(~(np.isfinite(mean) & (sd > 0) & (sd < np.inf)))
    if wrong.size:
        raise ValueError(f"The prior N({mean[wrong[0]]}, {sd[wrong[0]]}^2) is not a normal distribution.")
    ordinary = (np.abs(mean) <= ORDINARY_MEAN) & (sd <= ORDINARY_SD)
    found = _Found(np.where(ordinary, 0.0, mean), np.where(ordinary, COMMON_HALF_WIDTH, PRIOR_SDS * sd), mean, sd)
    few = answers.item.size <= (_FEW if answers.n_users == 1 else _FEW_OF_SEVERAL) and items.a.size <= _KEPT_ITEMS
    starts = _starts(answers) if few and ordinary.all() else np.empty(0, np.intp)
    table = None if starts.size else answers.table()
    left = np.arange(answers.n_users)
    if table is not None:
        left = np.flatnonzero(np.diff(table.indptr))
        found.mean[:], found.sd[:] = mean, sd  # what remains of those without answers
    for points in POINTS:
        offsets = _offsets(points)
        if table is None:
            log_p = _kept_log_p(items, points)[answers.item + items.a.size * answers.correct]
            # Answer by answer, as the table's rows are added up: a user's numbers are the same to the last bit in any
            # company. `np.add.reduceat` adds in another order.
            of_users = np.split(log_p, starts[1:])
            log_likelihood = np.array([of_users[user].sum(axis=0) for user in left.tolist()])
            found.take(left, log_likelihood + found.log_prior(left, COMMON_HALF_WIDTH * offsets), offsets)
        else:
            _on_first_grids(table, items, found, left, offsets)
        left = left[~found.resolved[left]]
        if not left.size:
            return Posterior(found.mean, found.sd)
    if table is None:
        table = answers.table()
    for k in range(MAX_ROUNDS):
        found.aim(left)
        _on_own_grids(table, items, found, left, np.linspace(-1, 1, (OWN_POINTS - 1) * 2**k + 1))
        left = left[~found.resolved[left]]
        if not left.size:
            return Posterior(found.mean, found.sd)
    raise ArithmeticError(
        f"{left.size} posteriors were not resolved in {MAX_ROUNDS} rounds; the first is that of user {left[0]}, "
        f"mean {found.mean[left[0]]:g}, SD {found.sd[left[0]]:g}."
    )


def eap_on_grid(
    answers: ResponseMatrix, items: Items, theta: Floats, prior_mean: float = 0.0, prior_sd: float = 1.0
) -> Posterior:
    """Posterior means and SDs on exactly the points `theta`, equally spaced, shape (Q,), whether they suffice or not.

    For comparison with packages that fix their grid; `eap` is what to score with.
    """
    centre, half_width = (theta[-1] + theta[0]) / 2, (theta[-1] - theta[0]) / 2
    mean, sd = np.empty(answers.n_users), np.empty(answers.n_users)
    log_prior = -0.5 * ((theta - prior_mean) / prior_sd) ** 2
    offsets = (theta - centre) / half_width
    log_likelihood = log_likelihood_on_grid(answers.table(), items, theta)

    def take(at: slice) -> None:
        mean_at, sd_at = _mean_and_sd(_sums(_density(log_likelihood(at) + log_prior), offsets))
        mean[at], sd[at] = centre + half_width * mean_at, half_width * sd_at

    _in_portions(answers.n_users, take)
    return Posterior(mean, sd)


class _Found:
    """What is known of each user so far: the prior, the grid last used, centre +- half_width, and what it said."""

    def __init__(self, centre: Floats, half_width: Floats, prior_mean: Floats, prior_sd: Floats) -> None:
        self.centre, self.half_width, self.prior_mean, self.prior_sd = centre, half_width, prior_mean, prior_sd
        self.mean, self.sd, self.spacing = np.empty((3, centre.size))
        self.too_narrow, self.resolved = np.empty((2, centre.size), dtype=bool)
        self._common_prior = bool(np.all(prior_mean == prior_mean[:1]) and np.all(prior_sd == prior_sd[:1]))

    def log_prior(self, users: NDArray[np.intp], theta: Floats) -> Floats:
        """At `theta` of shape (Q,) or (users, Q): shape (users, Q), or (1, Q) where one row does for all."""
        if self._common_prior and theta.ndim == 1:
            users = users[:1]
        z = theta - self.prior_mean[users, None]
        z /= self.prior_sd[users, None]
        z *= z
        z *= -0.5
        return np.asarray(z)

    def take(self, users: NDArray[np.intp], log_density: Floats, offsets: Floats) -> None:
        """Moments from log densities at centre + half_width * offsets, shape (users, Q), which are overwritten."""
        density = _density(log_density)
        half = _sums(density[:, ::2], offsets[::2])
        mean, sd = _mean_and_sd(half + _sums(density[:, 1::2], offsets[1::2]))
        with np.errstate(invalid="ignore"):  # all mass on a point that the half leaves out: NaN, which is not resolved
            mean_by_half, sd_by_half = _mean_and_sd(half)
        off = np.maximum(np.abs(mean_by_half - mean), np.abs(sd_by_half - sd))
        spacing = offsets[1] - offsets[0]
        too_narrow = np.maximum(density[:, 0], density[:, -1]) > NEGLIGIBLE
        half_width = self.half_width[users]
        self.mean[users], self.sd[users] = self.centre[users] + half_width * mean, half_width * sd
        self.spacing[users], self.too_narrow[users] = half_width * spacing, too_narrow
        self.resolved[users] = (spacing <= sd) & (off <= HALF_GRID * sd) & ~too_narrow

    def aim(self, users: NDArray[np.intp]) -> None:
        """A grid of each user's own, around the mean found: wider where that cut a tail, else narrower."""
        last = self.half_width[users]
        narrower = np.minimum(last, 8 * np.maximum(self.sd[users], self.spacing[users]))
        self.half_width[users] = np.where(self.too_narrow[users], 2 * last, narrower)
        self.centre[users] = self.mean[users]


def _starts(answers: ResponseMatrix) -> NDArray[np.intp]:
    """Where each user's answers begin; empty where they are not in the users' order, or somebody has none."""
    n = np.bincount(answers.user, minlength=answers.n_users)
    usable = n.all() and np.all(answers.user[1:] >= answers.user[:-1])
    return np.cumsum(n) - n if usable else np.empty(0, np.intp)


def _on_first_grids(table: "csr_array", items: Items, found: _Found, users: NDArray[np.intp], offsets: Floats) -> None:
    """Users whose grids are the same points, as almost all are, by one table of curves; the others by their own."""
    grid = (found.centre[users], found.half_width[users])
    common = (grid[0] == 0) & (grid[1] == COMMON_HALF_WIDTH)
    for shared in (users[common], users[~common]):
        if not shared.size:
            continue
        centre, half_width = found.centre[shared[0]], found.half_width[shared[0]]
        if not (np.all(found.centre[shared] == centre) and np.all(found.half_width[shared] == half_width)):
            _on_own_grids(table, items, found, shared, offsets)
            continue
        theta = centre + half_width * offsets
        rows = table if shared.size == table.shape[0] else table[shared]
        log_likelihood = log_likelihood_on_grid(rows, items, theta)

        def take(at: slice) -> None:
            log_density = log_likelihood(at)  # noqa: B023 - ends here
            log_density += found.log_prior(shared[at], theta)  # noqa: B023 - in place: fresh memory costs as much
            found.take(shared[at], log_density, offsets)  # noqa: B023 - ends here

        _in_portions(shared.size, take)


def _on_own_grids(table: "csr_array", items: Items, found: _Found, users: NDArray[np.intp], offsets: Floats) -> None:
    for some in _portions(table, users, _VALUES_AT_ONCE // offsets.size):
        theta = found.centre[some, None] + found.half_width[some, None] * offsets
        found.take(some, _log_likelihood(table[some], items, theta) + found.log_prior(some, theta), offsets)


def _of_each(given: Floats | float, n_users: int) -> Floats:
    values = np.asarray(given, np.float64)
    return values if values.shape == (n_users,) else np.broadcast_to(values, n_users)


@functools.lru_cache(maxsize=len(POINTS))
def _offsets(points: int) -> Floats:
    """Where a grid's points lie, its half-width being 1: the same array each time, which nobody may change."""
    offsets = np.linspace(-1, 1, points)
    offsets.flags.writeable = False
    return offsets


@functools.lru_cache(maxsize=len(POINTS))
def _kept_log_p(items: Items, points: int) -> Floats:
    """Log probabilities of a wrong answer to each item over those of a right one, shape (2 J, points)."""
    theta = COMMON_HALF_WIDTH * np.linspace(-1, 1, points)
    return np.concatenate([log_wrong(items, theta), log_right(items, theta)])


def log_likelihood_on_grid(table: "csr_array", items: Items, theta: Floats) -> Callable[[slice], Floats]:
    """Log-likelihoods of some of the table's rows at `theta`, shape (rows, Q), new at each call."""
    log_p = np.zeros((2 * items.a.size, theta.size))
    # Only what was answered: one learner's 60 answers do not pay for a bank of thousands.
    occurs = np.bincount(table.indices, minlength=2 * items.a.size) > 0
    wrong, right = (np.flatnonzero(half) for half in np.split(occurs, 2))
    log_p[wrong] = log_wrong(items.at(wrong), theta)
    log_p[items.a.size + right] = log_right(items.at(right), theta)

    def of(at: slice) -> Floats:
        n = table.shape[0]
        rows = table if at.indices(n) == (0, n, 1) else table[at]  # scipy copies, all of it as well
        return np.asarray(rows @ log_p)

    return of


def _in_portions(n_users: int, work: Callable[[slice], None]) -> None:
    """`work` on all users, a bounded number at a time, by every core: numpy and scipy work outside Python's lock."""
    starts = range(0, n_users, _USERS_AT_ONCE)
    portions = [slice(start, min(start + _USERS_AT_ONCE, n_users)) for start in starts]
    if len(portions) == 1:  # a single learner's update is not worth a thread
        work(portions[0])
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(work, portions):
            pass


def _log_likelihood(table: "csr_array", items: Items, theta: Floats) -> Floats:
    """Log-likelihoods of the table's rows at each one's own points, both of shape (rows, Q); no row may be empty."""
    item, right = table.indices % items.a.size, table.indices >= items.a.size
    own = np.repeat(theta, np.diff(table.indptr), axis=0)
    log_p = np.empty_like(own)
    log_p[~right] = log_wrong(items.at(item[~right]), own[~right])
    log_p[right] = log_right(items.at(item[right]), own[right])
    log_p *= table.data[:, None]
    return np.asarray(np.add.reduceat(log_p, table.indptr[:-1], axis=0))


def _density(log_density: Floats) -> Floats:
    """Each row relative to its maximum; in place."""
    log_density -= log_density.max(axis=1, keepdims=True)
    return np.exp(log_density, out=log_density)


def _sums(density: Floats, offsets: Floats) -> Floats:
    """Of each row's density, times offset, times offset squared: shape (3, rows)."""
    # In offsets from the grid's centre: with theta^2 itself, a narrow posterior far from 0 would cancel.
    # einsum, not @: BLAS sums a row in an order that depends on how many rows there are.
    powers = (offsets, offsets**2)
    return np.stack([np.einsum("uq->u", density), *(np.einsum("uq,q->u", density, power) for power in powers)])


def _mean_and_sd(sums: Floats) -> tuple[Floats, Floats]:
    total, first, second = sums
    mean = first / total
    return mean, np.sqrt(np.maximum(second / total - mean**2, 0))  # a single point: rounding may leave -1e-17


def _portions(table: "csr_array", users: NDArray[np.intp], n_answers: int) -> Iterator[NDArray[np.intp]]:
    """Whole users, about `n_answers` at a time."""
    n = np.cumsum(np.diff(table.indptr)[users])
    yield from np.split(users, np.flatnonzero(np.diff(n // n_answers)) + 1)
