"""Which anchor items are no longer what they were: by how far their curve moved, and whether chance explains it.

Two calibrations on one scale, each with the covariance of its items' parameters. For each parameter k the change D is
tested in the direction of that parameter alone, which sees a shift of b, or a fall of a, best: with S the sum of both
covariances, z_k = (S^-1 D)_k / sqrt((S^-1)_kk), N(0, 1) for an item that stayed. An item's p is the smallest of its
one to three, times their number; over the items the share of false alarms among all alarms is held by the procedure of
Benjamini & Hochberg. How far: the area between the two curves, weighed by where the learners are, N(mean, sd^2); by so
much the chance of a right answer changed for the average learner.

Sources: Lord (1980), Applications of item response theory, chapter 14 (chi-square of two calibrations); Raju (1990),
Determining the significance of estimated signed and unsigned areas between two item response functions, Applied
Psychological Measurement 14, 197-207; Benjamini & Hochberg (1995), Controlling the false discovery rate, JRSS B 57,
289-300. Measured with 30 of 300 items moved by .6 (`tests/benchmarks/bench_calibration.py`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resources.irt.calibration.linking import MIN_ANCHORS, Link, Method, link
from resources.irt.response_functions import Floats, Items, probability

# One in ten of those named is named by chance. With 500 answers each time, 8 of 10 shifts of .6 in b are found.
FALSE_ALARMS = 0.1
# A change of the chance that nobody would act on, however certain: .03 is a shift of b by .15 for an item of a = 1.
MIN_AREA = 0.03

_ROUNDS = 10
_Z = np.linspace(-4, 4, 81)
_WEIGHT = np.exp(-0.5 * _Z**2) / np.exp(-0.5 * _Z**2).sum()


@dataclass(frozen=True)
class Drift:
    """Of each anchor, shape (n_anchors,): `shift`, the change of the average learner's chance (above 0: easier now),
    `area`, the mean absolute change, `z`, the largest of its parameters' z, `p`, and whether it `moved`."""

    shift: Floats
    area: Floats
    z: Floats
    p: Floats
    moved: NDArray[np.bool_]

    @property
    def used(self) -> NDArray[np.bool_]:
        """Which anchors the scale rests on: those that did not move, or all where these are fewer than MIN_ANCHORS."""
        still = np.asarray(np.logical_not(self.moved), np.bool_)
        return still if still.sum() >= MIN_ANCHORS else np.ones_like(still)


def drift(
    before: Items, after: Items, cov_before: Floats, cov_after: Floats, mean: float = 0.0, sd: float = 1.0
) -> Drift:
    """From `before` to `after`, both on one scale; covariances of a, b and c have shape (n_anchors, 3, 3).

    NaN there: a parameter that was known. An item of which `cov_before` knows nothing is taken to be as uncertain then
    as it is now.
    """
    # A quarter of a second, which each process of Dagster would spend, and calibrations alone need.
    from scipy.stats import false_discovery_control, norm

    nothing_known = np.isnan(cov_before).all(axis=(1, 2), keepdims=True)
    covariance = np.where(nothing_known, cov_after, cov_before) + cov_after
    variance: Floats = np.diagonal(covariance, axis1=1, axis2=2)
    estimated = np.isfinite(variance)
    both = np.isfinite(variance[:, :, None] + variance[:, None, :])
    inverse = np.linalg.inv(np.where(both, covariance, np.eye(3)))
    change = np.stack([after.a - before.a, after.b - before.b, after.c - before.c], axis=1)
    along = np.einsum("jkl,jl->jk", inverse, np.where(estimated, change, 0))
    each = np.where(estimated, along / np.sqrt(np.diagonal(inverse, axis1=1, axis2=2)), 0)
    z = np.take_along_axis(each, np.abs(each).argmax(axis=1)[:, None], axis=1)[:, 0]
    p = np.minimum(1, estimated.sum(axis=1) * 2 * norm.sf(np.abs(z)))
    theta = mean + sd * _Z
    difference = probability(after, theta) - probability(before, theta)
    area = np.abs(difference) @ _WEIGHT
    found = false_discovery_control(p) <= FALSE_ALARMS if p.size else np.zeros(0)
    return Drift(difference @ _WEIGHT, area, z, p, np.asarray(found & (area >= MIN_AREA), np.bool_))


def link_by_stable(
    before: Items, ours: Items, cov_before: Floats, cov_ours: Floats, mean: float, sd: float, method: Method
) -> tuple[Link, Drift]:
    """The link of `ours` to the scale of `before` by the anchors that did not move, and the drift of all by that link.

    `mean` and `sd` are the group's on our own scale. In rounds, since an item that moved bends the link that it is
    judged by. They begin with medians, which a fourth of the anchors cannot lead far astray, though all moved one way.
    """

    def by_this(link: Link) -> Drift:
        covariance = link.covariances(cov_ours)
        return drift(
            before, link.items(ours), cov_before, covariance, link.slope * mean + link.intercept, link.slope * sd
        )

    slope = float(np.exp(np.median(np.log(ours.a / before.a))))
    by = Link(slope, float(np.median(before.b - slope * ours.b)))
    found = by_this(by)
    for _ in range(_ROUNDS):
        used = found.used
        chosen = np.flatnonzero(used)
        by = link(ours.at(chosen), before.at(chosen), method)
        found = by_this(by)
        if np.array_equal(found.used, used):
            break
    return by, found
