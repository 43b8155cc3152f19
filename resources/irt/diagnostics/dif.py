"""Differential item functioning: items that are harder for one group of learners than for another of equal ability."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, norm

from resources.irt.calibration.calibrate import calibrate
from resources.irt.diagnostics.estimated import Estimated, residual_covariance
from resources.irt.diagnostics.groups import grouped
from resources.irt.diagnostics.predictions import Predictions
from resources.irt.response_functions import Floats, Items
from resources.irt.response_matrix import Ints, ResponseMatrix

REFERENCE, FOCAL = 0, 1

# Answers of each group. Below, the SE of D is above 1 (that of a shift of b above .4): no class would mean anything.
MIN_ANSWERS = 50
STRATUM = 25  # answers; of 20 strata at most
MOST_STRATA = 20
SIGNIFICANT = 0.05
_ETS = -2.35  # from log odds to the scale of ETS, whose unit is about a quarter of the SD of difficulties

EtsClass = Literal["A", "B", "C", "few"]


@dataclass(frozen=True)
class Dif:
    """All arrays have shape (n_items,), NaN where either group has fewer than MIN_ANSWERS answers (class "few").

    `d` is MH D-DIF with its SE, negative where the item is harder for the focal group. `b_shift` is how much larger b
    is for the focal group, in logits, with its SE; `adjusted` its p corrected for the number of items (Benjamini &
    Hochberg). `ets` is A: negligible; B; C: large.
    """

    n_reference: Ints
    n_focal: Ints
    d: Floats
    d_se: Floats
    ets: tuple[EtsClass, ...]
    b_shift: Floats
    b_shift_se: Floats
    adjusted: Floats


def group_priors(answers: ResponseMatrix, items: Items, group: Ints) -> tuple[Floats, Floats]:
    """Mean and SD of ability of each user's group, both of shape (n_users,), estimated with the items as they are.

    `group` has shape (n_users,). Without these a weak group's answers are expected too high (the fewer answers, the
    more), and all its items seem to be against it.
    """
    mean, sd = np.zeros(answers.n_users), np.ones(answers.n_users)
    for label in np.unique(group[answers.user]):
        own = group[answers.user] == label
        part = ResponseMatrix(
            answers.user[own], answers.item[own], answers.correct[own], answers.n_users, answers.n_items
        )
        fitted = calibrate(part, "3PL", known=items, group="estimate mean and sd", se_method="none")
        mean[group == label], sd[group == label] = fitted.group_mean, fitted.group_sd
    return mean, sd


def dif(answers: ResponseMatrix, items: Items, predictions: Predictions, estimated: Estimated, group: Ints) -> Dif:
    """Of every item between users of `group` REFERENCE and FOCAL, shape (n_users,); users of any other do not count.

    `predictions` are those under each group's own prior (`group_priors`). Learners are matched on the expected answer
    given their other answers, in strata: with complete data as with sparse, and unlike the rest score it is as often
    right in both groups where there is no DIF, however reliable the test and however far apart the groups.

    D is -2.35 times the log of Mantel and Haenszel's odds ratio; SE of Robins, Breslow & Greenland (1986). Class A: D
    not significantly different from 0, or |D| < 1; C: |D| >= 1.5 and significantly above 1; else B. The shift is the
    first step of the score test of an intercept of the focal group's own, a and d being estimated as `estimated` says.
    Sources: Holland & Thayer (1988), in Test validity, 129-145; Zwick (2012), A review of ETS differential item
    functioning assessment procedures, ETS RR-12-08; Robins, Breslow & Greenland (1986), Biometrics 42, 311-323; Glas
    (1998), Statistica Sinica 8, 647-667 (the score test).
    """
    counts = [
        np.bincount(answers.item[group[answers.user] == g], minlength=answers.n_items) for g in (REFERENCE, FOCAL)
    ]
    found = np.full((4, answers.n_items), np.nan)
    compared = np.flatnonzero(np.isin(group[answers.user], (REFERENCE, FOCAL)))
    order = compared[np.argsort(answers.item[compared], kind="stable")]
    parts = np.split(order, np.cumsum(counts[0] + counts[1])[:-1])
    tested = np.minimum(*counts) >= MIN_ANSWERS
    for j in np.flatnonzero(tested):
        at = parts[j]
        focal = group[answers.user[at]] == FOCAL
        found[:2, j] = _mantel_haenszel(answers.correct[at], predictions.p[at], focal)
        free = estimated.free[j]
        found[2:, j] = _shift(
            answers.correct[at], predictions.p[at], focal, predictions.gradient[at], free, estimated.curvature[j]
        )
        found[2:, j] /= -items.a[j], abs(items.a[j])
    d, d_se, shift, shift_se = found
    adjusted = np.full(answers.n_items, np.nan)
    usable = np.isfinite(shift / shift_se)
    adjusted[usable] = false_discovery_control(2 * norm.sf(np.abs(shift / shift_se)[usable]))
    ets: list[EtsClass] = [_ets_class(*pair) for pair in zip(d, d_se, strict=True)]
    return Dif(counts[0], counts[1], d, d_se, tuple(ets), shift, shift_se, adjusted)


def _mantel_haenszel(correct: Ints, p: Floats, focal: NDArray[np.bool_]) -> tuple[float, float]:
    """D and its SE."""
    stratum = grouped(p, np.ones_like(p), min(MOST_STRATA, p.size // STRATUM))
    n_strata = int(stratum.max()) + 1
    right = correct == 1

    def count(which: NDArray[np.bool_]) -> Floats:
        return np.bincount(stratum[which], minlength=n_strata).astype(np.float64)

    a, b, c, d = count(~focal & right), count(~focal & ~right), count(focal & right), count(focal & ~right)
    n = a + b + c + d
    r, s = a * d / n, b * c / n
    if not (r.sum() and s.sum()):
        return np.nan, np.nan
    p, q = (a + d) / n, (b + c) / n
    variance = (
        (p * r).sum() / (2 * r.sum() ** 2)
        + (p * s + q * r).sum() / (2 * r.sum() * s.sum())
        + (q * s).sum() / (2 * s.sum() ** 2)
    )
    return float(_ETS * np.log(r.sum() / s.sum())), float(abs(_ETS) * np.sqrt(variance))


def _shift(
    correct: Ints, p: Floats, focal: NDArray[np.bool_], gradient: Floats, free: NDArray[np.bool_], curvature: Floats
) -> tuple[float, float]:
    """How much larger d is for the focal group, and its SE."""
    weight = focal * gradient[:, 1] / (p * (1 - p))
    information = residual_covariance(weight[:, None], p, gradient[:, free], curvature[free]).item()
    if not information > 0:
        return np.nan, np.nan
    return float(weight @ (correct - p)) / information, information**-0.5


def _ets_class(d: float, se: float) -> EtsClass:
    if not np.isfinite(d):
        return "few"
    size = abs(d)
    if size < 1 or size < norm.isf(SIGNIFICANT / 2) * se:
        return "A"
    return "C" if size >= 1.5 and size - 1 > norm.isf(SIGNIFICANT) * se else "B"
