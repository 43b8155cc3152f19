"""The model of `growth` with whole densities on a fine grid, not normal ones: what its steps are compared with."""

from dataclasses import dataclass

import numpy as np

from resources.irt.eap import log_likelihood_on_grid
from resources.irt.growth.states import Movement
from resources.irt.response_functions import Floats, Items
from resources.irt.response_matrix import ResponseMatrix

THETA = np.linspace(-9, 9, 1_201)


@dataclass(frozen=True)
class DensePath:
    """Filtered and smoothed moments, each of shape (n_weeks, n_users)."""

    mean: Floats
    sd: Floats
    smoothed_mean: Floats
    smoothed_sd: Floats


def dense_path(weeks: list[ResponseMatrix], items: Items, movements: list[Movement]) -> DensePath:
    """All learners answer in every week; forward filter and backward smoother by sums over the grid."""
    start = movements[0]
    filtered, kernels = [], []
    density = np.exp(-0.5 * ((THETA - start.newcomers_mean) / start.newcomers_sd) ** 2)[None]
    for week, (answers, movement) in enumerate(zip(weeks, movements, strict=True)):
        if week:
            step = THETA[None] - THETA[:, None] - movement.drift
            kernel = np.exp(-0.5 * (step / movement.tau) ** 2)
            kernels.append(kernel / kernel.sum(axis=1).max())
            density = density @ kernels[-1]
        likelihood = log_likelihood_on_grid(answers.table(), items, THETA)(slice(None))
        density = density * np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
        density = density / density.sum(axis=1, keepdims=True)
        filtered.append(density)
    smoothed = [filtered[-1]]
    for density, kernel in zip(filtered[-2::-1], kernels[::-1], strict=True):
        ahead = density @ kernel
        ratio = np.divide(smoothed[0], ahead, out=np.zeros_like(ahead), where=ahead > 0)
        smoothed.insert(0, density * (ratio @ kernel.T))
    return DensePath(*_moments(filtered), *_moments(smoothed))


def _moments(densities: list[Floats]) -> tuple[Floats, Floats]:
    density = np.array(densities)
    density /= density.sum(axis=2, keepdims=True)
    mean = density @ THETA
    return mean, np.sqrt(density @ THETA**2 - mean**2)
