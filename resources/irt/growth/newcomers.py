"""Where learners start who have no state yet: mean and SD of their abilities, learned from those who came."""

from dataclasses import dataclass

import numpy as np

from resources.irt.response_functions import Floats

FIRST_MEAN_SE, FIRST_LOG_SD_SE = 0.5, 0.3  # before anybody came: the bank's own group N(0, 1), not more than roughly
# Newcomers of October are not those of January: what was known is that much less certain from week to week.
WEEKLY_MEAN_SD, WEEKLY_LOG_SD_SD = 0.05, 0.03
_LONGEST_STEP = 0.5  # logits, and of log sd: far from the maximum the information misleads


@dataclass(frozen=True)
class Newcomers:
    """N(mean, sd^2) in logits, with the standard errors of mean and log sd."""

    mean: float = 0.0
    sd: float = 1.0
    mean_se: float = FIRST_MEAN_SE
    log_sd_se: float = FIRST_LOG_SD_SE

    def after(self, so_far: "Newcomers", by_mean: Floats, by_variance: Floats, part: float = 1.0) -> "Newcomers":
        """One scoring step, or a part of it, from `so_far` to the penalised maximum of the likelihood of one more
        week's newcomers.

        `by_mean` and `by_variance` are the derivatives of each one's log-likelihood at `so_far`; their sums of squares
        and products serve as the information (Berndt, Hall, Hall & Hausman 1974), which is positive where the second
        derivative is not, as after lucky guesses. The penalty is what the weeks before (self) said, so a few newcomers
        change little and none change nothing.
        """
        if not by_mean.size:
            return self
        slopes = np.stack([by_mean, 2 * so_far.sd**2 * by_variance])  # d V / d log sd = 2 V
        known = np.array([self.mean_se**2 + WEEKLY_MEAN_SD**2, self.log_sd_se**2 + WEEKLY_LOG_SD_SD**2])
        here, before = np.array([so_far.mean, np.log(so_far.sd)]), np.array([self.mean, np.log(self.sd)])
        covariance = np.linalg.inv(slopes @ slopes.T + np.diag(1 / known))
        step = covariance @ (slopes.sum(axis=1) + (before - here) / known)
        mean, log_sd = here + part * np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
        mean_se, log_sd_se = np.sqrt(np.diag(covariance))
        return Newcomers(float(mean), float(np.exp(log_sd)), float(mean_se), float(log_sd_se))
