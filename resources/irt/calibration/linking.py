"""Two calibrations of the same items on one scale: the linear map between their abilities.

Source: Kolen & Brennan (2014), Test equating, scaling, and linking, chapter 6.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import roots_hermitenorm

from resources.irt.response_functions import Floats, Items, probability

Method = Literal["mean-mean", "mean-sigma", "mean-gmean", "Haebara", "Stocking-Lord"]

# Kolen & Brennan advise a fifth of the test and no less than 20; below 5 a single odd item decides the scale.
MIN_ANCHORS = 5


@dataclass(frozen=True)
class Link:
    """Ability on the new scale = slope * ability + intercept; slope > 0."""

    slope: float
    intercept: float

    def items(self, items: Items) -> Items:
        """The same items on the new scale; guessing has no scale."""
        return Items(items.a / self.slope, self.slope * items.b + self.intercept, items.c)

    def covariances(self, covariance: Floats) -> Floats:
        """Those of the same items' a, b and c, shape (J, 3, 3); the link itself counts as known."""
        turn = np.array([1 / self.slope, self.slope, 1.0])
        return np.asarray(covariance * np.outer(turn, turn))

    def abilities(self, theta: Floats) -> Floats:
        return np.asarray(self.slope * theta + self.intercept)


@dataclass(frozen=True)
class Weights:
    """Abilities of the new scale at which curves are compared, and what each counts; both of shape (Q,)."""

    theta: Floats
    weight: Floats


def standard_normal(points: int = 30) -> Weights:
    """Gauss-Hermite: the expectation over N(0, 1)."""
    theta, weight = roots_hermitenorm(points)
    return Weights(theta, weight / weight.sum())


def link(anchors: Items, to: Items, method: Method = "Stocking-Lord", weights: Weights | None = None) -> Link:
    """The map that brings `anchors` onto the scale of `to`: the same items, in the same order, calibrated there.

    The characteristic-curve methods compare at `weights`, by default the standard normal of the new scale, and start
    from mean-gmean.

    Raises:
        ValueError: no anchors, different numbers of them, or slopes that are not positive.
    """
    if not 0 < anchors.a.size == to.a.size:
        raise ValueError(f"{anchors.a.size} anchors cannot be linked to {to.a.size}.")
    if not (np.all(anchors.a > 0) and np.all(to.a > 0)):
        raise ValueError("An anchor with a discrimination that is not positive says nothing on the scale.")
    if method == "mean-mean":
        return _through_means(anchors, to, float(anchors.a.mean() / to.a.mean()))
    if method == "mean-sigma":
        return _through_means(anchors, to, float(to.b.std() / anchors.b.std()))
    start = _through_means(anchors, to, float(np.exp(np.log(anchors.a / to.a).mean())))
    if method == "mean-gmean":
        return start
    from scipy.optimize import least_squares  # not at the top: each process of Dagster would wait for it

    weights = weights or standard_normal()
    target = probability(to, weights.theta)

    def residuals(x: Floats) -> Floats:
        moved = Link(float(np.exp(x[0])), float(x[1])).items(anchors)
        off = probability(moved, weights.theta) - target
        if method == "Stocking-Lord":
            off = off.sum(axis=0, keepdims=True)
        return np.asarray(off * np.sqrt(weights.weight)).ravel()

    found = least_squares(residuals, [np.log(start.slope), start.intercept], xtol=1e-14, ftol=1e-14, gtol=1e-14)
    return Link(float(np.exp(found.x[0])), float(found.x[1]))


def _through_means(anchors: Items, to: Items, slope: float) -> Link:
    return Link(slope, float(to.b.mean() - slope * anchors.b.mean()))
