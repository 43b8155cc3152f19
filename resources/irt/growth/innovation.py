"""What the weeks so far say about tau, the SD that a week adds to ability: its posterior on a grid.

One week says little: with 3,000 learners of 15 answers, tau = .05 cannot be told from 0 or .12, and an estimate of each
week's own swings between 0 and .1. So the weeks' log-likelihoods are added up on a grid of tau, which is exact whatever
their shape (a normal approximation of one that peaks at 0 is not), and what is used is the root of the posterior mean
of tau^2. Older weeks count less, as banks and learners change.
"""

from dataclasses import dataclass

import numpy as np

from resources.irt.response_functions import Floats

GRID: Floats = np.geomspace(0.01, 0.5, 32)  # logits per week; beyond .5 a week's answers would be a new learner's
PRIOR_MEDIAN, PRIOR_LOG_SD = 0.06, 0.6  # 95 %: .02 to .19 per week, .13 to 1.4 per year
MEMORY = 0.98  # of the evidence, from week to week: half of it is lost after 34 weeks


@dataclass(frozen=True)
class Innovation:
    """`log_likelihood` of shape (32,): the evidence of all weeks so far about each tau of GRID, up to a constant."""

    log_likelihood: tuple[float, ...] = (0.0,) * GRID.size

    def after(self, week: Floats) -> "Innovation":
        """With the log-likelihood of one more week on GRID."""
        total = MEMORY * np.array(self.log_likelihood) + week
        return Innovation(tuple(float(value) for value in total - total.max()))

    @property
    def tau(self) -> float:
        """Root of the posterior mean of tau^2, in logits per square root of a week."""
        return float(np.sqrt(self._weights() @ GRID**2))

    @property
    def tau_sd(self) -> float:
        """Posterior SD of tau."""
        weights = self._weights()
        return float(np.sqrt(weights @ (GRID - weights @ GRID) ** 2))

    def _weights(self) -> Floats:
        log_prior = -0.5 * (np.log(GRID / PRIOR_MEDIAN) / PRIOR_LOG_SD) ** 2
        log_density = log_prior + np.array(self.log_likelihood)
        weights = np.exp(log_density - log_density.max())
        return np.asarray(weights / weights.sum())
