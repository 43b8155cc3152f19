"""Item parameters from answers: marginal maximum likelihood (or posterior mode) by EM, for 2PL, 3PL and parts of them.

Sources: Bock & Aitkin (1981), Psychometrika 46, 443-459 (the EM algorithm on a grid of abilities); Varadhan & Roland
(2008), Scandinavian Journal of Statistics 35, 335-353 (SQUAREM, the acceleration).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from resources.irt.calibration.em import Em, Progress, Sample, run
from resources.irt.calibration.m_step import INTERCEPT, LOGIT_C, SLOPE, Free, ItemPriors, Normal
from resources.irt.calibration.standard_errors import Method, StandardErrors, not_computed, standard_errors
from resources.irt.response_functions import Floats, Items
from resources.irt.response_matrix import ResponseMatrix

Group = Literal["fixed", "estimate sd", "estimate mean and sd"]

GRID = np.linspace(-6, 6, 61)
GRID.flags.writeable = False

# Without a prior the 3PL has no maximum for easy items; .25 with 95 % of [.11, .47] suits four or five options.
GUESSING_PRIOR = ItemPriors(logit_c=Normal(-1.1, 0.5))

JOINT_SE_ITEMS = 500  # 60 MB, and seconds; beyond, the items' errors hardly hang together


@dataclass(frozen=True)
class Calibration:
    """Item parameters with their standard errors, and how the run that found them ended.

    `converged` is False where max_cycles came first: such parameters are not to be used. Arrays have shape (n_items,).
    `log_likelihood` leaves `log_prior` out. The group is the normal distribution of ability, given or estimated.
    """

    items: Items
    se: StandardErrors
    n_answers: NDArray[np.int64]
    log_likelihood: float
    log_prior: float
    group_mean: float
    group_sd: float
    cycles: int
    converged: bool
    largest_change: float


def calibrate(
    answers: ResponseMatrix,
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
    se_method: Method | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """The parameters of every item that `known` does not give, on the scale where ability is N(group_mean, group_sd^2).

    `known` holds parameters that are not to be estimated, NaN elsewhere: anchor items (a, b, c given) with
    group="estimate mean and sd" put new items on the anchors' scale; c alone fixes guessing; a = 1 with
    group="estimate sd" is the Rasch model. A known b needs its a. A slope may come out negative: a wrong key.

    `priors` default to none for the 2PL and to GUESSING_PRIOR for the 3PL. Converged: a plain EM step changes no
    parameter by more than `tolerance`. `progress` is told (cycle, log-likelihood + log-prior, largest change) at each.

    Raises:
        ValueError: an item without answers, a known b without its a, or a group that nothing identifies.
    """
    if priors is None:
        priors = GUESSING_PRIOR if model == "3PL" else ItemPriors()
    n_answers = np.bincount(answers.item, minlength=answers.n_items)
    eta, free = _start(answers, n_answers, known, model, priors)
    _check_identified(eta, free, n_answers, group)
    em = Em(
        Sample(answers, grid), eta, free, priors, group_mean, group_sd,
        estimate_mean=group == "estimate mean and sd", estimate_sd=group != "fixed",
    )  # fmt: skip
    if se_method is None:
        se_method = "joint" if answers.n_items <= JOINT_SE_ITEMS else "per item"
    point, cycles, change = run(em, em.pack(eta, group_mean, group_sd), tolerance, max_cycles, progress)
    eta, mean, sd = em.unpack(point)
    with np.errstate(divide="ignore", invalid="ignore"):  # a = 0 has no difficulty: b is inf or NaN
        items = Items(eta[:, SLOPE], -eta[:, INTERCEPT] / eta[:, SLOPE], expit(eta[:, LOGIT_C]))
    return Calibration(
        items=items,
        se=not_computed(answers.n_items) if se_method == "none" else standard_errors(em, point, se_method),
        n_answers=n_answers,
        log_likelihood=em.sample.expected(eta, mean, sd).log_likelihood,
        log_prior=float(priors.log_density(eta, free).sum()),
        group_mean=mean,
        group_sd=sd,
        cycles=cycles,
        converged=change <= tolerance,
        largest_change=change,
    )


def _start(
    answers: ResponseMatrix, n_answers: NDArray[np.int64], known: Items | None, model: str, priors: ItemPriors
) -> tuple[Floats, Free]:
    """Where to begin, shape (n_items, 3), and which of it is to be estimated; known parameters are in place."""
    unknown = np.full(answers.n_items, np.nan)
    a, b, c = (known.a, known.b, known.c) if known else (unknown, unknown, unknown)
    if model == "2PL":
        c = np.where(np.isnan(c), 0.0, c)
    free = np.isnan(np.stack([a, b, c], axis=1))
    if np.any(free[:, SLOPE] & ~free[:, INTERCEPT]):
        j = int(np.flatnonzero(free[:, SLOPE] & ~free[:, INTERCEPT])[0])
        raise ValueError(f"Item {j} has a known b but no known a.")
    guess = expit(priors.logit_c.mean) if priors.logit_c else 0.2
    c = np.where(np.isnan(c), guess, c)
    a = np.where(np.isnan(a), 1.0, a)
    n_right = np.bincount(answers.item, weights=answers.correct, minlength=answers.n_items)
    share = (n_right + 0.5) / (n_answers + 1)  # never 0 or 1
    above_guessing = ((share - c) / (1 - c)).clip(0.02, 0.98)
    d = np.where(np.isnan(b), logit(above_guessing), -a * b)
    return np.stack([a, d, logit(c)], axis=1), free


def _check_identified(eta: Floats, free: Free, n_answers: NDArray[np.int64], group: Group) -> None:
    empty = np.flatnonzero((n_answers == 0) & free.any(axis=1))
    if empty.size:
        raise ValueError(f"{empty.size} items have no answers, the first is item {empty[0]}: leave them out.")
    if group == "estimate mean and sd" and free[:, INTERCEPT].all():
        raise ValueError("A group's mean can be estimated only where some item is known.")
    if group != "fixed" and free[:, SLOPE].all():
        raise ValueError("A group's SD can be estimated only where some slope is known.")
