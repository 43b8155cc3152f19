"""Expectation-maximisation over a grid of abilities, accelerated; the engine of the calibration.

A point is one vector: the items' free parameters, then the group's mean and the logarithm of its SD where they are
estimated.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from resources.irt.calibration import m_step
from resources.irt.calibration.m_step import LIMITS, Free, ItemPriors
from resources.irt.response_functions import Floats
from resources.irt.response_matrix import ResponseMatrix

Progress = Callable[[int, float, float], None]

_USERS_AT_ONCE = 4_000  # 2 MB of posterior weights on 61 points


@dataclass(frozen=True)
class Expected:
    """Under the posteriors: answers `n` and right ones `r` at each ability, shape (J, Q); users `mass`, shape (Q,)."""

    n: Floats
    r: Floats
    mass: Floats
    log_likelihood: float


class Sample:
    """The users who answered anything, a bounded number at a time, and the abilities `theta`, shape (Q,)."""

    def __init__(self, answers: ResponseMatrix, theta: Floats) -> None:
        table = answers.table()
        table = table[np.diff(table.indptr) > 0]
        self.theta = theta
        self.n_items = answers.n_items
        parts = [table[start : start + _USERS_AT_ONCE] for start in range(0, table.shape[0], _USERS_AT_ONCE)]
        self.portions: list[tuple[csr_array, csr_array]] = [(part, part.T.tocsr()) for part in parts]

    def posteriors(self, part: csr_array, eta: Floats, mean: float, sd: float) -> tuple[Floats, Floats]:
        """Weights on the grid, shape (rows, Q), each row adding up to 1; and log-likelihoods, shape (rows,)."""
        return self._posteriors(part, np.concatenate(m_step.log_p(eta, self.theta)), self._log_weights(mean, sd))

    def expected(self, eta: Floats, mean: float, sd: float) -> Expected:
        log_p, log_weights = np.concatenate(m_step.log_p(eta, self.theta)), self._log_weights(mean, sd)
        counts = np.zeros((2 * self.n_items, self.theta.size))
        mass = np.zeros(self.theta.size)
        log_likelihood = 0.0
        for part, transposed in self.portions:
            weights, log_likelihoods = self._posteriors(part, log_p, log_weights)
            counts += transposed @ weights
            mass += weights.sum(axis=0)
            log_likelihood += float(log_likelihoods.sum())
        wrong, right = counts[: self.n_items], counts[self.n_items :]
        return Expected(wrong + right, right, mass, log_likelihood)

    def _posteriors(self, part: csr_array, log_p: Floats, log_weights: Floats) -> tuple[Floats, Floats]:
        density = part @ log_p
        density += log_weights
        top = density.max(axis=1, keepdims=True)
        density -= top
        np.exp(density, out=density)
        total = density.sum(axis=1, keepdims=True)
        density /= total
        return density, (np.log(total) + top)[:, 0]

    def _log_weights(self, mean: float, sd: float) -> Floats:
        log_weights = -0.5 * ((self.theta - mean) / sd) ** 2
        return np.asarray(log_weights - np.log(np.exp(log_weights).sum()))


@dataclass(frozen=True)
class Em:
    """What is estimated from a sample, and the map whose fixed point is the estimate."""

    sample: Sample
    start: Floats
    free: Free
    priors: ItemPriors
    group_mean: float
    group_sd: float
    estimate_mean: bool
    estimate_sd: bool

    def pack(self, eta: Floats, mean: float, sd: float) -> Floats:
        group = [mean] * self.estimate_mean + [float(np.log(sd))] * self.estimate_sd
        return np.concatenate([eta[self.free], group])

    def unpack(self, point: Floats) -> tuple[Floats, float, float]:
        eta = self.start.copy()
        n = int(self.free.sum())
        eta[self.free] = point[:n]
        group = list(point[n:])
        mean = float(group.pop(0)) if self.estimate_mean else self.group_mean
        sd = float(np.exp(group.pop(0))) if self.estimate_sd else self.group_sd
        return eta, mean, sd

    def step(self, point: Floats) -> tuple[Floats, float]:
        """The next point, and log-likelihood plus log-prior at the one given; the step never lowers it."""
        eta, mean, sd = self.unpack(point)
        expected = self.sample.expected(eta, mean, sd)
        value = expected.log_likelihood + float(self.priors.log_density(eta, self.free).sum())
        eta = m_step.step(expected.n, expected.r, self.sample.theta, eta, self.free, self.priors)
        users = expected.mass.sum()
        if self.estimate_mean:
            mean = float(expected.mass @ self.sample.theta / users)
        if self.estimate_sd:
            sd = float(np.sqrt(expected.mass @ (self.sample.theta - mean) ** 2 / users))
        return self.pack(eta, mean, sd), value

    def clipped(self, point: Floats) -> Floats:
        eta, mean, sd = self.unpack(point)
        return self.pack(eta.clip(-LIMITS, LIMITS), mean, sd)

    def change(self, before: Floats, after: Floats) -> float:
        """The largest, items at their limits left aside: along these the likelihood is flat, and they may creep on."""
        eta = self.unpack(after)[0]
        waited_for = m_step.within_limits(eta)[:, None] & self.free
        counts = np.concatenate([waited_for[self.free], np.ones(after.size - self.free.sum(), dtype=bool)])
        return float(np.abs(after - before)[counts].max(initial=0))


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
        after, value = em.step(start)
        cycle += 1
        change = em.change(start, after)
        if progress is not None:
            progress(cycle, value, change)
        return after, value

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
