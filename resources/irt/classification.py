"""Learners put into performance levels by cut scores: how probable each level is, and how far to trust the whole.

Accuracy is the share of learners whose level is that of their true ability; consistency the share who would be put into
the same level again by a second, parallel measurement. A learner at a cut score belongs to the level above it.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from resources.irt.response_functions import Floats, Items, probability
from resources.irt.total_scores import total_score_distribution

Ints = NDArray[np.int64]

_POINTS, _REACH = 121, 5.0  # of the group's distribution, and its SDs on each side: accuracy to .001


@dataclass(frozen=True)
class Classification:
    """Shares of learners: over all levels, and at each cut score alone (above or below it), shape (n_cuts,)."""

    accuracy: float
    consistency: float
    accuracy_at: Floats
    consistency_at: Floats


def levels(theta: Floats, cuts: Floats) -> Ints:
    """The level of each theta of shape (n,), from 0, by ascending `cuts` in logits of shape (n_cuts,)."""
    return np.searchsorted(cuts, theta, side="right").astype(np.int64)


def level_probabilities(theta: Floats, se: Floats, cuts: Floats) -> Floats:
    """P(true ability in each level) for N(theta, se^2), shape (n, n_cuts + 1); `theta` and `se` have shape (n,).

    Phi((upper cut - theta) / se) - Phi((lower cut - theta) / se). NaN where theta is.
    """
    below = ndtr((cuts - theta[:, None]) / se[:, None])
    edges = np.concatenate([np.zeros((theta.size, 1)), below, np.ones((theta.size, 1))], axis=1)
    probabilities = np.diff(edges, axis=1)
    probabilities[np.isnan(theta)] = np.nan
    return np.asarray(probabilities)


def rudner(theta: Floats, se: Floats, cuts: Floats) -> Classification:
    """Of a group of two learners or more, from their posterior means and SDs (EAP, shape (n,)), as they are put into
    levels by `theta`. NaN for fewer.

    Accuracy is the mean probability of each learner's own level. For consistency each learner is measured once more, as
    precisely: the group's abilities have mean m, and variance v = var(theta) + mean(se^2), so the learner's reliability
    is r = 1 - se^2 / v, and the second posterior mean is N(m + r (theta - m), r (1 + r) se^2), given the first.

    Estimates that are not shrunk (WLE) vary more than the abilities: from them, accuracy would come out wrong.

    Source: Rudner (2001), Computing the expected proportions of misclassified examinees, Practical Assessment, Research
    and Evaluation 7(14); Rudner (2005), Expected classification accuracy, the same 10(13).
    """
    if theta.size < 2:
        nothing = np.full(cuts.size, np.nan)
        return Classification(np.nan, np.nan, nothing, nothing)
    mean, variance = theta.mean(), theta.var(ddof=1) + np.mean(se**2)
    reliability = np.maximum(1 - se**2 / variance, 0)
    again = mean + reliability * (theta - mean)
    spread = np.maximum(np.sqrt(reliability * (1 + reliability)) * se, 1e-9)  # no reliability: all are told the mean

    def agreement(at: Floats, sd: Floats, of: Floats) -> float:
        own = levels(theta, of)[:, None]
        return float(np.take_along_axis(level_probabilities(at, sd, of), own, axis=1).mean())

    return Classification(
        agreement(theta, se, cuts),
        agreement(again, spread, cuts),
        np.array([agreement(theta, se, cuts[[k]]) for k in range(cuts.size)]),
        np.array([agreement(again, spread, cuts[[k]]) for k in range(cuts.size)]),
    )


def lee(items: Items, cuts: Floats, mean: float, sd: float) -> Classification:
    """Of a group N(mean, sd^2) that answers every one of the items and is put into levels by the number right.

    A cut score on the number right is the one expected at the cut's theta, rounded up. Given theta, the number right
    has the distribution of Lord and Wingersky: accuracy is the probability of theta's own level, consistency the sum of
    the levels' squared probabilities; both are averaged over the group.

    Source: Lee (2010), Classification consistency and accuracy for complex assessments using item response theory,
    Journal of Educational Measurement 47(1), 1-17 (its D method).
    """
    z = np.linspace(-_REACH, _REACH, _POINTS)
    weight = np.exp(-0.5 * z**2)
    weight /= weight.sum()
    theta = mean + sd * z
    score = total_score_distribution(probability(items, theta))
    score_cuts = np.ceil(probability(items, cuts).sum(axis=0)).astype(np.int64)

    def of(at: Ints) -> tuple[float, float]:
        bounds = [0, *score_cuts[at].tolist(), len(score)]
        p = np.stack([score[low:high].sum(axis=0) for low, high in pairwise(bounds)])
        right = np.take_along_axis(p, levels(theta, cuts[at])[None], axis=0)[0]
        return float(right @ weight), float((p**2).sum(axis=0) @ weight)

    overall = of(np.arange(cuts.size))
    single = np.array([of(np.array([k])) for k in range(cuts.size)]).reshape(-1, 2)
    return Classification(*overall, single[:, 0], single[:, 1])
