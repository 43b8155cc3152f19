"""Whether an item's answers follow its curve: on any data, at a rate of false alarms that is the one stated."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, false_discovery_control

from resources.irt.diagnostics.estimated import Estimated, residual_covariance
from resources.irt.diagnostics.groups import grouped
from resources.irt.diagnostics.predictions import Predictions
from resources.irt.response_functions import Floats
from resources.irt.response_matrix import ResponseMatrix

Verdict = Literal["fits", "misfit", "few"]

MOST_GROUPS = 10
# Variance of the number right in a group: 4 learners at p = .5, 11 at p = .9. With less, rates were seen to rise.
GROUP_VARIANCE = 1.0
# Groups beyond the parameters estimated: with none nothing is left to contradict the curve.
SPARE_GROUPS = 1
SIGNIFICANT = 0.05
# Root mean square difference of shares right: half the .1 at which PISA drops an item for a country.
# Source: OECD (2017), PISA 2015 Technical Report, chapter 9.
NOTABLE = 0.05


@dataclass(frozen=True)
class ItemFit:
    """All arrays have shape (n_items,), NaN where too few answers say nothing (`verdict` "few").

    `statistic` is about chi-square with `df` (not whole) where the item fits, `p` its tail and `adjusted` the same
    corrected for the number of items. `rmsd` is the root mean square difference of the share right from the expected
    one over groups of learners, noise taken out: 0 to 1. `infit` and `outfit` are mean squares, expected 1; their `_z`
    are about N(0, 1), negative where learners are told apart better than the curve says.
    """

    n: NDArray[np.int64]
    statistic: Floats
    df: Floats
    p: Floats
    adjusted: Floats
    rmsd: Floats
    infit: Floats
    infit_z: Floats
    outfit: Floats
    outfit_z: Floats
    verdict: tuple[Verdict, ...]


def item_fit(answers: ResponseMatrix, predictions: Predictions, estimated: Estimated) -> ItemFit:
    """Right answers of groups of learners against those predicted from each learner's other answers.

    Learners of an item are put in order of their predictions, and into up to MOST_GROUPS groups of equal variance. The
    sum of (observed - expected)^2 / variance has the mean and variance of a chi-square with as many degrees of freedom
    as groups, less what the estimated parameters took: found from the covariance of the groups' residuals, not
    counted, as a prior takes less than one. It is scaled to chi-square by its first two moments.

    "misfit" is significant after the correction of Benjamini & Hochberg (1995) for all items tested, and `rmsd` above
    NOTABLE. That correction, since items named are looked at one by one: of those named, 5 % may be innocent; where no
    item misfits it names any as rarely as Holm's.
    Sources: Orlando & Thissen (2000), Applied Psychological Measurement 24, 50-64 (groups that do not depend on theta);
    Andrews (1988), Econometrica 56, 1419-1453 (the covariance); Satterthwaite (1946), Biometrics Bulletin 2, 110-114.
    """
    n = np.bincount(answers.item, minlength=answers.n_items)
    found = np.full((7, answers.n_items), np.nan)
    order = np.argsort(answers.item, kind="stable")
    for j, at in enumerate(np.split(order, np.cumsum(n)[:-1])):
        free = estimated.free[j]
        found[:, j] = _fit(
            answers.correct[at] - predictions.p[at], predictions.p[at], predictions.gradient[at][:, free],
            estimated.curvature[j, free],
        )  # fmt: skip
    statistic, df, rmsd = found[:3]
    p = np.asarray(chi2.sf(statistic, df))
    tested = np.isfinite(p)
    adjusted = p.copy()
    adjusted[tested] = false_discovery_control(p[tested])
    verdict: list[Verdict] = ["few"] * answers.n_items
    for j in np.flatnonzero(tested).tolist():
        verdict[j] = "misfit" if adjusted[j] < SIGNIFICANT and rmsd[j] > NOTABLE else "fits"
    infit, infit_z, outfit, outfit_z = found[3:]
    return ItemFit(n, statistic, df, p, adjusted, rmsd, infit, infit_z, outfit, outfit_z, tuple(verdict))


def _fit(residual: Floats, p: Floats, gradient: Floats, curvature: Floats) -> tuple[float, ...]:
    """statistic, df, rmsd, infit, its z, outfit, its z; of one item."""
    if not p.size:
        return (np.nan,) * 7
    variance = p * (1 - p)
    total = variance.sum()
    group = grouped(p, variance, max(1, min(MOST_GROUPS, int(total / GROUP_VARIANCE))))
    n_groups = int(group.max()) + 1
    if n_groups < gradient.shape[1] + SPARE_GROUPS:
        return (np.nan,) * 7
    member = (group[:, None] == np.arange(n_groups)).astype(np.float64)
    groups = residual_covariance(member, p, gradient, curvature)
    expected = member.T @ variance
    squares = (member.T @ residual) ** 2
    kurtosis = member.T @ (variance * (1 - 6 * variance)) / expected**2
    scaled = groups / np.sqrt(np.outer(expected, expected))
    mean, spread = np.trace(scaled), (scaled**2).sum() + kurtosis.sum() / 2
    sizes = member.sum(axis=0)
    surplus = ((squares - np.diag(groups)) / sizes).sum() / p.size
    # A squared residual less its variance is residual x (1 - 2 p): mean squares are sums of residuals, too.
    ways = np.stack([1 - 2 * p, (1 - 2 * p) / variance], axis=1)
    infit, outfit = ways.T @ residual
    se = np.sqrt(np.maximum(np.diag(residual_covariance(ways, p, gradient, curvature)), 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.array([infit, outfit]) / se
    return (
        (squares / expected).sum() * mean / spread, mean**2 / spread, np.sqrt(max(surplus, 0)),
        1 + infit / total, z[0], 1 + outfit / p.size, z[1],
    )  # fmt: skip
