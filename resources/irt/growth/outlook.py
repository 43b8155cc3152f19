"""Where a learner may stand some weeks ahead, and the chance of a level by then, if the learner goes on practising.

The filter's state moved on (`states`). How the group will move is not known, but how it moved in the last weeks is: the
drift of a coming week is taken as drawn from where those K came from, N(m, s^2). With d the mean and v the variance of
their estimates, v / K is the variance of d, and s^2 is v without the estimates' mean squared error. With the state
N(mean, sd^2) and the innovation's tau, H weeks ahead

    theta ~ N(mean + H d, sd^2 + H (tau^2 + s^2) + H^2 v / K),

and the chance of a level t or above is Phi of (mean + H d - t) over that SD. The chance's own interval is its range
over m within its 95 % interval, with the rest of the variance: how much of it hangs on the group's movement.

What is not in it: that learners may keep on growing faster or slower than the group (the walk's steps are independent),
and holidays that the last weeks did not have. `make bench-growth` shows how often such chances come true.

>>> ahead = Outlook(mean=0.0, sd=0.3, weeks=4.0, drifts=(0.1, 0.1, 0.1, 0.1), drift_ses=(0.0,) * 4, tau=0.05)
>>> round(ahead.mean_then, 2), round(ahead.sd_then, 3)
(0.4, 0.316)
>>> round(ahead.chance(0.4).chance, 2)
0.5

Source: Harvey (1989), Forecasting, structural time series models and the Kalman filter, 4.1 (predictions of a local
level with drift).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from resources.irt.growth.change import CRITICAL_Z

MIN_DRIFTS = 4  # weeks; the spread of fewer is a guess
FARTHEST = 2.0  # times as many weeks ahead as drifts are known: farther, m's own error is most of the answer


@dataclass(frozen=True)
class Chance:
    """Of reaching a level; `low` and `high` at the ends of the interval of the group's mean drift."""

    chance: float
    low: float
    high: float


@dataclass(frozen=True)
class Outlook:
    """Of a state N(`mean`, `sd`^2) in logits, `weeks` later; `drifts` of the last weeks, with their errors, and `tau`,
    in logits a week."""

    mean: float
    sd: float
    weeks: float
    drifts: Sequence[float]
    drift_ses: Sequence[float]
    tau: float

    @property
    def can_be_told(self) -> bool:
        """Whether enough is known of the group, and the time is ahead and not too far."""
        return len(self.drifts) >= MIN_DRIFTS and 0 < self.weeks <= FARTHEST * len(self.drifts)

    @property
    def mean_then(self) -> float:
        return self.mean + self.weeks * float(np.mean(self.drifts))

    @property
    def sd_then(self) -> float:
        return float(np.hypot(self._own_sd, self.weeks * self._mean_drift_se))

    def chance(self, level: float) -> Chance:
        """Of standing at this level or above, then."""
        shift = CRITICAL_Z * self.weeks * self._mean_drift_se
        low, high = (float(ndtr((self.mean_then + step - level) / self._own_sd)) for step in (-shift, shift))
        return Chance(float(ndtr((self.mean_then - level) / self.sd_then)), low, high)

    @property
    def _own_sd(self) -> float:
        """Without the error of the mean drift."""
        between = max(0.0, float(np.var(self.drifts, ddof=1) - np.mean(np.square(self.drift_ses))))
        return float(np.sqrt(self.sd**2 + self.weeks * (self.tau**2 + between)))

    @property
    def _mean_drift_se(self) -> float:
        return float(np.std(self.drifts, ddof=1) / np.sqrt(len(self.drifts)))
