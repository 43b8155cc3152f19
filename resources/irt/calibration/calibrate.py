"""Item parameters from answers: marginal maximum likelihood (or posterior mode) by EM, from Rasch's model to the 3PL.

Sources: Bock & Aitkin (1981), Psychometrika 46, 443-459 (the EM algorithm on a grid of abilities); Bock & Zimowski
(1997), Multiple group IRT, in Handbook of modern item response theory; Varadhan & Roland (2008), Scandinavian Journal
of Statistics 35, 335-353 (SQUAREM, the acceleration).
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from resources.irt.calibration.em import Em, Groups, Progress, Sample, run
from resources.irt.calibration.m_step import INTERCEPT, LOGIT_C, SLOPE, Free, ItemPriors, Normal
from resources.irt.calibration.one_slope import with_one_slope
from resources.irt.calibration.standard_errors import Method, StandardErrors, not_computed, standard_errors
from resources.irt.response_functions import Floats, Items
from resources.irt.response_matrix import Ints, ResponseMatrix

Model = Literal["Rasch", "1PL", "2PL", "3PL"]
Group = Literal["fixed", "estimate sd", "estimate mean and sd"]

# Without a prior the 3PL has no maximum for easy items; .25 with 95 % of [.11, .47] suits four or five options.
GUESSING_PRIOR = ItemPriors(logit_c=Normal(-1.1, 0.5))

JOINT_SE_ITEMS = 500  # 60 MB, and seconds; beyond, the items' errors hardly hang together

_REACH = 6.0  # SDs of each group to either side that a grid holds
_STEPS = 5  # points of the grid in the smallest SD
_GRIDS = 6  # a group that lies outside moves the grid, and then itself a little more: by ever smaller amounts


@dataclass(frozen=True)
class Calibration:
    """Item parameters with their standard errors, and how the run that found them ended.

    `converged` is False where max_cycles came first: such parameters are not to be used. Arrays have shape (n_items,).
    `known` marks items of which nothing was estimated. `log_likelihood` leaves `log_prior` out. The groups are the
    normal distributions of ability, given or estimated: `group_mean` and `group_sd` of shape (G,), `n_users` (who
    answered anything) in each.
    """

    items: Items
    known: NDArray[np.bool_]
    se: StandardErrors
    n_answers: NDArray[np.int64]
    log_likelihood: float
    log_prior: float
    group_mean: Floats
    group_sd: Floats
    n_users: Ints
    cycles: int
    converged: bool
    largest_change: float

    def of_all(self) -> tuple[float, float]:
        """Mean and SD of ability over all groups together."""
        share = self.n_users / self.n_users.sum()
        mean = float(share @ self.group_mean)
        return mean, float(np.sqrt(share @ (self.group_sd**2 + (self.group_mean - mean) ** 2)))


def calibrate(
    answers: ResponseMatrix,
    model: Model = "2PL",
    *,
    known: Items | None = None,
    priors: ItemPriors | None = None,
    group: Group | None = None,
    group_mean: float = 0.0,
    group_sd: float = 1.0,
    group_of: Ints | None = None,
    grid: Floats | None = None,
    tolerance: float = 1e-6,
    max_cycles: int = 2_000,
    se_method: Method | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """The parameters of every item that `known` does not give, on the scale where ability is N(group_mean, group_sd^2).

    `known` holds parameters that are not to be estimated, NaN elsewhere: anchor items (a, b, c given) with
    group="estimate mean and sd" put new items on the anchors' scale; c alone fixes guessing. A known b needs its a. A
    slope may come out negative: a wrong key. "Rasch" is a = 1 and, by default, group="estimate sd"; "1PL" the same
    model on the scale where the first group is N(0, 1) and all slopes are one number, which may be known.

    `group_of`, shape (n_users,), counts several groups from 0. `group` is what holds for the first of them; the others'
    means and SDs are estimated.

    `priors` default to none, and for the 3PL to GUESSING_PRIOR. Converged: a plain EM step changes no parameter by more
    than `tolerance`, or more than that in standard errors. `grid` defaults to 6 SDs around every group,
    where the groups end, in fifths of the smallest SD. `progress` is told (cycle, log-likelihood + log-prior, largest
    change) at each.

    Raises:
        ValueError: an item without answers, a known b without its a, or a group that nothing identifies.
    """
    n_items = answers.n_items
    rescaled = model == "1PL" and known is None
    if model in ("Rasch", "1PL"):
        ones, nothing = np.ones(n_items), np.full(n_items, np.nan)
        known = (
            Items(np.where(np.isnan(known.a), 1.0, known.a), known.b, nothing)
            if known
            else Items(ones, nothing, nothing)
        )
        group = group or "estimate sd"
    if priors is None:
        priors = GUESSING_PRIOR if model == "3PL" else ItemPriors()
    n_answers = np.bincount(answers.item, minlength=n_items)
    eta, free = _start(answers, n_answers, known, model, priors)
    of_user = np.zeros(answers.n_users, np.int64) if group_of is None else group_of
    groups = _groups(int(of_user.max(initial=0)) + 1, group or "fixed", group_mean, group_sd)
    _check_identified(eta, free, n_answers, group or "fixed")
    if se_method is None:
        se_method = "joint" if n_items <= JOINT_SE_ITEMS else "per item"
    em = Em(Sample(answers, _around(groups) if grid is None else grid, of_user), eta, free, priors, groups)
    point, cycles, change = run(em, em.pack(eta, groups.mean, groups.sd), tolerance, max_cycles, progress)
    for _ in range(_GRIDS if grid is None else 0):
        _, mean, sd = em.unpack(point)
        wanted = _around(replace(groups, mean=mean, sd=sd))
        if _holds(em.sample.theta, wanted) or cycles >= max_cycles:
            break
        em = replace(em, sample=Sample(answers, wanted, of_user))
        point, more, change = run(em, point, tolerance, max_cycles - cycles, progress)
        cycles += more
    eta, mean, sd = em.unpack(point)
    with np.errstate(divide="ignore", invalid="ignore"):  # a = 0 has no difficulty: b is inf or NaN
        items = Items(eta[:, SLOPE], -eta[:, INTERCEPT] / eta[:, SLOPE], expit(eta[:, LOGIT_C]))
    n_groups = int(groups.free_mean.sum() + groups.free_sd.sum())
    answered = np.bincount(answers.user, minlength=answers.n_users) > 0
    found = Calibration(
        items=items,
        known=np.logical_not(free.any(axis=1)),
        se=not_computed(n_items, n_groups) if se_method == "none" else standard_errors(em, point, se_method),
        n_answers=n_answers,
        log_likelihood=em.sample.expected(eta, mean, sd).log_likelihood,
        log_prior=float(priors.log_density(eta, free).sum()),
        group_mean=mean,
        group_sd=sd,
        n_users=np.bincount(of_user[answered], minlength=mean.size),
        cycles=cycles,
        converged=change <= tolerance,
        largest_change=change,
    )
    if not rescaled:
        return found
    items, errors, mean, sd = with_one_slope(found.items, found.se, mean, sd, int(groups.free_mean.sum()))
    return replace(found, items=items, se=errors, group_mean=mean, group_sd=sd)


def _groups(n: int, first: Group, mean: float, sd: float) -> Groups:
    others = np.arange(n) > 0
    return Groups(
        np.full(n, mean), np.full(n, sd), others | (first == "estimate mean and sd"), others | (first != "fixed")
    )  # fmt: skip


def _around(groups: Groups) -> Floats:
    """A grid that holds every group; for N(0, 1) 61 points from -6 to 6."""
    low, high = np.min(groups.mean - _REACH * groups.sd), np.max(groups.mean + _REACH * groups.sd)
    return np.linspace(low, high, round(_STEPS * (high - low) / np.min(groups.sd)) + 1)


def _holds(grid: Floats, wanted: Floats) -> bool:
    """Whether the grid is as good as the wanted one: half an SD shorter at an end, a tenth wider between its points."""
    step, wanted_step = grid[1] - grid[0], wanted[1] - wanted[0]
    margin = 0.5 * _STEPS * wanted_step
    return bool(grid[0] <= wanted[0] + margin and grid[-1] >= wanted[-1] - margin and step <= 1.1 * wanted_step)


def _start(
    answers: ResponseMatrix, n_answers: NDArray[np.int64], known: Items | None, model: Model, priors: ItemPriors
) -> tuple[Floats, Free]:
    """Where to begin, shape (n_items, 3), and which of it is to be estimated; known parameters are in place."""
    unknown = np.full(answers.n_items, np.nan)
    a, b, c = (known.a, known.b, known.c) if known else (unknown, unknown, unknown)
    if model != "3PL":
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
