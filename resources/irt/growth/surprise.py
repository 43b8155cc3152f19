"""Whether a week's abilities came out as the model of growth expected them, in mean and in spread.

With a learner's prior N(m, V) right, the posterior mean m1 and SD s1 of his answers satisfy E[m1 - m] = 0 and
E[(m1 - m)^2] = V - E[s1^2] (the law of total variance). So over n learners, with d = m1 - m and v = V - s1^2,

    z_shift  = mean(d) / sqrt(mean(v) / n + SE(drift)^2),
    z_spread = (mean(d^2) - mean(v)) / sqrt(2 mean(v^2) / n),

both about N(0, 1). A bank on another scale or items with a wrong key move the first; ids that changed hands, the
second.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Innovations:
    """Of `n` learners: means of d (logits), of d^2, of v and of v^2."""

    n: int
    d: float
    d2: float
    v: float
    v2: float


@dataclass(frozen=True)
class Surprise:
    """`shift`: by how many logits the mean lies off what was expected; `spread`: the SD of what was learned over the
    one expected; each with its distance from what the model expects, in standard errors."""

    shift: float
    z_shift: float
    spread: float
    z_spread: float


def surprise(seen: Innovations, drift_se: float) -> Surprise:
    """How far a week lies off the model; `drift_se` is the standard error of the group's step, NaN where it was not
    estimated.

    >>> of = surprise(Innovations(n=400, d=0.3, d2=0.10, v=0.09, v2=0.0081), drift_se=0.0)
    >>> round(of.z_shift), round(of.spread, 2)
    (20, 1.05)
    """
    error = 0.0 if math.isnan(drift_se) else drift_se
    ratio = seen.d2 / seen.v
    return Surprise(
        seen.d,
        seen.d / math.sqrt(seen.v / seen.n + error**2),
        math.sqrt(ratio),
        (seen.d2 - seen.v) / math.sqrt(2 * seen.v2 / seen.n),
    )
