"""Expectation-maximisation over a grid of abilities, accelerated; the engine of the calibration.

A point is one vector: the items' free parameters, then the groups' means and the logarithms of their SDs where they are
estimated.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from resources.irt.calibration import m_step
from resources.irt.calibration.m_step import LIMITS, Free, ItemPriors
from resources.irt.response_functions import Floats
from resources.irt.response_matrix import Ints, ResponseMatrix

Progress = Callable[[int, float, float], None]
Which = NDArray[np.bool_]

_USERS_AT_ONCE = 4_000  # 2 MB of posterior weights on 61 points


@dataclass(frozen=True)
class Groups:
    """Normal distributions of ability: `mean`, `sd` and whether each is to be estimated, all of shape (G,)."""

    mean: Floats
    sd: Floats
    free_mean: Which
    free_sd: Which


@dataclass(frozen=True)
class Expected:
    """Under the posteriors: answers `n` and right ones `r` at each ability, shape (J, Q); each group's users there,
    `mass`, shape (G, Q)."""

    n: Floats
    r: Floats
    mass: Floats
    log_likelihood: float


class Sample:
    """The users who answered anything, a bounded number at a time, their groups, and abilities `theta`, shape (Q,)."""

    def __init__(self, answers: ResponseMatrix, theta: Floats, group: Ints) -> None:
        table = answers.table()
        active = np.flatnonzero(np.diff(table.indptr))
        self.theta = theta
        self.n_items = answers.n_items
        parts = [active[start : start + _USERS_AT_ONCE] for start in range(0, active.size, _USERS_AT_ONCE)]
        self.portions: list[tuple[csr_array, csr_array, Ints]] = [
            (table[part], table[part].T.tocsr(), group[part]) for part in parts
        ]

    def posteriors(self, part: csr_array, group: Ints, eta: Floats, mean: Floats, sd: Floats) -> tuple[Floats, Floats]:
        """Weights on the grid, shape (rows, Q), each row adding up to 1; and log-likelihoods, shape (rows,)."""
        return self._posteriors(part, group, np.concatenate(m_step.log_p(eta, self.theta)), self._weights(mean, sd))

    def expected(self, eta: Floats, mean: Floats, sd: Floats) -> Expected:
        log_p, log_weights = np.concatenate(m_step.log_p(eta, self.theta)), self._weights(mean, sd)
        counts = np.zeros((2 * self.n_items, self.theta.size))
        mass = np.zeros((mean.size, self.theta.size))
        log_likelihood = 0.0
        for part, transposed, group in self.portions:
            weights, log_likelihoods = self._posteriors(part, group, log_p, log_weights)
            counts += transposed @ weights
            mass += (group == np.arange(mean.size)[:, None]) @ weights
            log_likelihood += float(log_likelihoods.sum())
        wrong, right = counts[: self.n_items], counts[self.n_items :]
        return Expected(wrong + right, right, mass, log_likelihood)

    def _posteriors(self, part: csr_array, group: Ints, log_p: Floats, log_weights: Floats) -> tuple[Floats, Floats]:
        density = part @ log_p
        density += log_weights[group]
        top = density.max(axis=1, keepdims=True)
        density -= top
        np.exp(density, out=density)
        total = density.sum(axis=1, keepdims=True)
        density /= total
        return density, (np.log(total) + top)[:, 0]

    def _weights(self, mean: Floats, sd: Floats) -> Floats:
        """Logarithms of each group's weights on the grid, shape (G, Q)."""
        log_weights = -0.5 * ((self.theta - mean[:, None]) / sd[:, None]) ** 2
        return np.asarray(log_weights - np.log(np.exp(log_weights).sum(axis=1, keepdims=True)))


@dataclass(frozen=True)
class Step:
    """The next `point`, log-likelihood plus log-prior at the one before, and the largest `change` between the two."""

    point: Floats
    value: float
    change: float


@dataclass(frozen=True)
class Em:
    """What is estimated from a sample, and the map whose fixed point is the estimate."""

    sample: Sample
    start: Floats
    free: Free
    priors: ItemPriors
    groups: Groups

    def pack(self, eta: Floats, mean: Floats, sd: Floats) -> Floats:
        of = self.groups
        return np.concatenate([eta[self.free], mean[of.free_mean], np.log(sd[of.free_sd])])

    def unpack(self, point: Floats) -> tuple[Floats, Floats, Floats]:
        """The items' parameters, shape (J, 3), the groups' means and SDs, each of shape (G,)."""
        eta, mean, sd = self.start.copy(), self.groups.mean.copy(), self.groups.sd.copy()
        n, m = int(self.free.sum()), int(self.groups.free_mean.sum())
        eta[self.free] = point[:n]
        mean[self.groups.free_mean] = point[n : n + m]
        sd[self.groups.free_sd] = np.exp(point[n + m :])
        return eta, mean, sd

    def step(self, point: Floats) -> Step:
        """It never lowers the value."""
        before, mean, sd = self.unpack(point)
        expected = self.sample.expected(before, mean, sd)
        value = expected.log_likelihood + float(self.priors.log_density(before, self.free).sum())
        moved = m_step.step(expected.n, expected.r, self.sample.theta, before, self.free, self.priors)
        users = expected.mass.sum(axis=1)
        new_mean = np.where(self.groups.free_mean, expected.mass @ self.sample.theta / users, mean)
        squares = (expected.mass * (self.sample.theta - new_mean[:, None]) ** 2).sum(axis=1) / users
        new_sd = np.where(self.groups.free_sd, np.sqrt(squares), sd)
        after = self.pack(moved.eta, new_mean, new_sd)
        of_groups = np.sqrt(users) / sd, np.sqrt(2 * users)
        per_se = np.concatenate([
            np.sqrt(moved.information)[self.free], of_groups[0][self.groups.free_mean],
            of_groups[1][self.groups.free_sd],
        ])  # fmt: skip
        return Step(after, value, self._change(point, after, moved.eta, per_se))

    def clipped(self, point: Floats) -> Floats:
        eta, mean, sd = self.unpack(point)
        return self.pack(eta.clip(-LIMITS, LIMITS), mean, sd)

    def _change(self, before: Floats, after: Floats, eta: Floats, per_se: Floats) -> float:
        """The largest, each in its own unit or in its standard error, whichever is smaller: what the answers tell
        nothing of must not hold the rest. Items at their limits are left aside: they may creep on."""
        waited_for = m_step.within_limits(eta)[:, None] & self.free
        counts = np.concatenate([waited_for[self.free], np.ones(after.size - self.free.sum(), dtype=bool)])
        moved = np.abs(after - before)
        return float((moved * np.minimum(1, per_se))[counts].max(initial=0))


def run(
    em: Em, point: Floats, tolerance: float, max_cycles: int, progress: Progress | None
) -> tuple[Floats, int, float]:
    """The fixed point of `em.step`, the steps taken, and the largest change by the last of them.

    Two steps show the direction and the rate of the approach, a third starts from where they lead (SQUAREM, scheme S3);
    it is taken back where it lost likelihood. Source: Varadhan & Roland (2008).
    """
    cycle, change = 0, np.inf

    def step(start: Floats) -> tuple[Floats, float]:
        nonlocal cycle, change
        made = em.step(start)
        cycle, change = cycle + 1, made.change
        if progress is not None:
            progress(cycle, made.value, change)
        return made.point, made.value

    while True:
        first, value = step(point)
        if change <= tolerance or cycle >= max_cycles:
            return first, cycle, change
        second, _ = step(first)
        if change <= tolerance or cycle >= max_cycles:
            return second, cycle, change
        r, v = first - point, second - 2 * first + point
        length = max(1.0, float(np.linalg.norm(r)) / max(float(np.linalg.norm(v)), 1e-300))
        leap = em.clipped(point + 2 * length * r + length**2 * v)
        third, leap_value = step(leap)
        point = third if leap_value >= value else second
