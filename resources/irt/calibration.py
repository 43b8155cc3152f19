"""Item parameters from answers: marginal maximum likelihood (or posterior mode) by EM, for 2PL, 3PL and parts of them.

Sources: Bock & Aitkin (1981), Psychometrika 46, 443-459 (the EM algorithm on a grid of abilities); Varadhan & Roland
(2008), Scandinavian Journal of Statistics 35, 335-353 (SQUAREM, the acceleration).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit, logit

from resources.irt import item_step
from resources.irt.answers import Answers
from resources.irt.curves import Floats, Items
from resources.irt.item_step import INTERCEPT, LOGIT_C, SLOPE, Free, ItemPriors, Normal
from resources.irt.standard_errors import StandardErrors, standard_errors

Group = Literal["fixed", "estimate sd", "estimate mean and sd"]
Progress = Callable[[int, float, float], None]

GRID = np.linspace(-6, 6, 61)
GRID.flags.writeable = False

# Without a prior the 3PL has no maximum for easy items; .25 with 95 % of [.11, .47] suits four or five options.
GUESSING_PRIOR = ItemPriors(logit_c=Normal(-1.1, 0.5))

_USERS_AT_ONCE = 4_000  # 2 MB of posterior weights on 61 points


@dataclass(frozen=True)
class Calibration:
    """Item parameters with their standard errors, and how the run that found them ended.

    `converged` is False where max_cycles came first: such parameters are not to be used. Arrays have shape (n_items,).
    `log_likelihood` leaves `log_prior` out. The group is the normal distribution of ability, given or estimated.
    """

    items: Items
    se: StandardErrors
    n_answers: np.ndarray[tuple[int], np.dtype[np.int64]]
    log_likelihood: float
    log_prior: float
    group_mean: float
    group_sd: float
    cycles: int
    converged: bool
    largest_change: float


def calibrate(
    answers: Answers,
    model: Literal["2PL", "3PL"] = "2PL",
    *,
    known: Items | None = None,
    priors: ItemPriors | None = None,
    group: Group = "fixed",
    group_mean: float = 0.0,
    group_sd: float = 1.0,
    grid: Floats = GRID,
    tolerance: float = 1e-6,
    max_cycles: int = 2_000,
    with_standard_errors: bool = True,
    progress: Progress | None = None,
) -> Calibration:
    """The parameters of every item that `known` does not give, on the scale where ability is N(group_mean, group_sd^2).

    `known` holds parameters that are not to be estimated, NaN elsewhere: anchor items (a, b, c given) with
    group="estimate mean and sd" put new items on the anchors' scale; c alone fixes guessing; a = 1 with
    group="estimate sd" is the Rasch model. A known b needs its a. Slopes may come out negative, which shows a wrong key.

    `priors` default to none for the 2PL and to GUESSING_PRIOR for the 3PL. Converged: a plain EM step changes no
    parameter by more than `tolerance`. `progress` is told (cycle, log-likelihood + log-prior, largest change) at each.

    Raises:
        ValueError: an item without answers, a known b without its a, or a group that nothing identifies.
    """
    if priors is None:
        priors = GUESSING_PRIOR if model == "3PL" else ItemPriors()
    n_answers = np.bincount(answers.item, minlength=answers.n_items)
    eta, free = _start(answers, n_answers, model, known, priors)
    _check_identified(eta, free, n_answers, group)
    data = _Data(answers, grid)
    em = _Em(data, free, priors, group)
    point = em.pack(eta, group_mean, group_sd)
    point, cycles, change = _squarem(em, point, tolerance, max_cycles, progress)
    eta, mean, sd = em.unpack(point)
    expected = data.expected(eta, mean, sd)
    if with_standard_errors:
        se = standard_errors(data.portions, grid, eta, free, priors, expected.n, expected.r, data.log_weights(mean, sd))
    else:
        se = StandardErrors.none(answers.n_items)
    with np.errstate(divide="ignore", invalid="ignore"):  # a = 0 has no difficulty: b is inf or NaN
        items = Items(eta[:, SLOPE], -eta[:, INTERCEPT] / eta[:, SLOPE], expit(eta[:, LOGIT_C]))
    return Calibration(
        items, se, n_answers, expected.log_likelihood, float(priors.log_density(eta, free).sum()), mean, sd, cycles,
        change <= tolerance, change,
    )  # fmt: skip
