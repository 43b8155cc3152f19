"""Where learners start who have no state yet: mean and SD of their abilities, learned from those who came."""

from dataclasses import dataclass

import numpy as np

from resources.irt.response_functions import Floats

FIRST_MEAN_SE, FIRST_LOG_SD_SE = 0.5, 0.3  # before anybody came: the bank's own group N(0, 1), not more than roughly
# Newcomers of October are not those of January: what was known is that much less certain from week to week.
WEEKLY_MEAN_SD, WEEKLY_LOG_SD_SD = 0.05, 0.03
_ROUNDS = 25


@dataclass(frozen=True)
class Newcomers:
    """N(mean, sd^2) in logits, with the standard errors of mean and log sd."""

    mean: float = 0.0
    sd: float = 1.0
    mean_se: float = FIRST_MEAN_SE
    log_sd_se: float = FIRST_LOG_SD_SE

    def after(self, x: Floats, v: Floats, slope: Floats) -> "Newcomers":
        """With those of one more week, seen as x ~ N(theta, v), by Fisher scoring of the penalised likelihood.

        The penalty is what the weeks before said, so a few newcomers change little and none change nothing. `slope`
        times the variance is added to each one's log-likelihood (`population`).
        """
        if not x.size:
            return self
        mean_information = 1 / (self.mean_se**2 + WEEKLY_MEAN_SD**2)
        log_sd_information = 1 / (self.log_sd_se**2 + WEEKLY_LOG_SD_SD**2)
        mean, log_sd = self.mean, np.log(self.sd)
        for _ in range(_ROUNDS):
            variance = np.exp(2 * log_sd)
            weight = 1 / (variance + v)
            by_mean = weight.sum() + mean_information
            by_log_sd = 2 * variance**2 * (weight**2).sum() + log_sd_information
            residual = x - mean
            up = ((weight * residual).sum() + mean_information * (self.mean - mean)) / by_mean
            by_variance = ((weight * residual) ** 2 - weight).sum() / 2 + slope.sum()
            wider = (2 * variance * by_variance + log_sd_information * (np.log(self.sd) - log_sd)) / by_log_sd
            mean, log_sd = mean + up, log_sd + np.clip(wider, -0.5, 0.5)
            if max(abs(up), abs(wider)) < 1e-7:
                return Newcomers(float(mean), float(np.exp(log_sd)), float(by_mean**-0.5), float(by_log_sd**-0.5))
        raise ArithmeticError(f"Mean and SD of {x.size} newcomers were not found in {_ROUNDS} rounds.")
