"""The 1PL: the Rasch model on the scale where ability is N(0, 1), with one slope for all items, which is the old SD.

With theta = sd z, logit P = theta - b = sd (z - b / sd): the intercepts d stay as they are.
"""

from dataclasses import replace

import numpy as np

from resources.irt.calibration.standard_errors import StandardErrors
from resources.irt.response_functions import Floats, Items


def with_one_slope(
    rasch: Items, se: StandardErrors, mean: Floats, sd: Floats, n_free_means: int
) -> tuple[Items, StandardErrors, Floats, Floats]:
    """Items, their errors, and the groups' means and SDs, shape (G,), in units of the first group's estimated SD.

    `n_free_means` says where among the groups' estimated parameters the first log SD stands.
    """
    slope, d = sd[0], -rasch.b
    items = Items(np.full_like(rasch.a, slope), rasch.b / slope, rasch.c)
    se_a = slope * se.groups[n_free_means]
    with_a = slope * se.d_with_groups[:, n_free_means]
    # b = -d / a, to first order
    ab = (d * se_a**2 / slope - with_a) / slope
    variance = (se.d**2 + (d / slope) ** 2 * se_a**2 - 2 * (d / slope) * with_a) / slope**2
    covariance = np.full_like(se.covariance, np.nan)
    covariance[:, 0, 0], covariance[:, 1, 1] = se_a**2, variance
    covariance[:, 0, 1] = covariance[:, 1, 0] = ab
    errors = replace(se, a=np.full_like(d, se_a), b=np.sqrt(variance), covariance=covariance)
    return items, errors, mean / slope, sd / slope
