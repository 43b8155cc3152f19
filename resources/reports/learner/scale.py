"""The score scale: abilities in points that read better than logits. A straight line, so nothing is lost or bent."""

from dataclasses import dataclass

import numpy as np

from resources.errors import InvalidInput
from resources.model import Floats
from resources.reports.learner.cuts import Cuts

LEAST_PER_LOGIT = 20  # scores are whole numbers: with fewer points to a logit, rounding would exceed small errors


@dataclass(frozen=True)
class Scale:
    """Score = `center` + `per_logit` times theta, shown from `low` to `high`; `cuts` lie between these, if there are
    any."""

    center: int = 500
    per_logit: int = 100
    low: int = 200
    high: int = 800
    cuts: Cuts | None = None

    def __post_init__(self) -> None:
        if not self.low < self.center < self.high:
            raise InvalidInput(f"The scale's center, {self.center}, must lie between {self.low} and {self.high}.")
        if self.per_logit < LEAST_PER_LOGIT:
            raise InvalidInput(f"The scale has {self.per_logit} points per logit; it needs {LEAST_PER_LOGIT} at least.")
        if self.cuts and not self.low < self.cuts.points[0] <= self.cuts.points[-1] < self.high:
            outside = self.cuts.points[0] if self.cuts.points[0] <= self.low else self.cuts.points[-1]
            raise InvalidInput(
                f"The cut score {outside} is not on the scale",
                remedy=f"use cut scores between {self.low} and {self.high}, or another REPORT_SCALE.",
            )

    @property
    def theta_cuts(self) -> Floats:
        """The cut scores in logits, ascending; shape (0,) without any."""
        return np.array([(cut - self.center) / self.per_logit for cut in self.cuts.points] if self.cuts else [])

    def points(self, theta: float) -> float:
        """The score of `theta` (logits) wherever it lies, also beyond the ends."""
        return self.center + self.per_logit * theta

    def held(self, theta: float) -> float:
        """The score of `theta`, or the end of the scale beyond which it lies."""
        return min(max(self.points(theta), self.low), self.high)

    def beyond(self, theta: float) -> bool:
        return self.held(theta) != self.points(theta)
