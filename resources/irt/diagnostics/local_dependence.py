"""Pairs of items whose answers hang together beyond ability: clones, one text, one gives the other away."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import gamma

from resources.irt.diagnostics.pairs import Pairs, pairs, shared
from resources.irt.diagnostics.predictions import Predictions
from resources.irt.response_functions import Floats, Items, log_right
from resources.irt.response_matrix import ResponseMatrix

MIN_IN_COMMON = 30  # the SE of Q3 is then .18: only all but equal answers show
SIGNIFICANT = 0.05
# Source: Christensen, Makransky & Horton (2017), Applied Psychological Measurement 41, 178-194.
NOTABLE = 0.2
_NO_SKEW = 1e-3  # the gamma distribution of shape 4e6 is normal


@dataclass(frozen=True)
class DependentPair:
    """Items `first` < `second`, answered both by `n` learners; `adjusted` is p corrected for the number of pairs."""

    first: int
    second: int
    n: int
    q3: float
    relative: float
    adjusted: float


@dataclass(frozen=True)
class LocalDependence:
    """`q3`, shape (n_items, n_items), 1 on the diagonal, NaN with fewer than MIN_IN_COMMON in common.

    `mean` of the pairs compared, of which there are `n_pairs`; the dependent `pairs`, largest Q3 first; and `bundles`:
    the items that these pairs connect, each in order, largest first.
    """

    q3: Floats
    mean: float
    n_pairs: int
    pairs: tuple[DependentPair, ...]
    bundles: tuple[tuple[int, ...], ...]


def local_dependence(answers: ResponseMatrix, items: Items, theta: Floats, predictions: Predictions) -> LocalDependence:
    """Q3 at the EAP `theta`, shape (n_users,), and the pairs that are dependent.

    A pair is named where its answers agree more than ability and chance explain, p corrected by Bonferroni for all
    pairs compared, and where Q3 lies more than NOTABLE above the mean of all pairs. Significance is that of residuals
    from the learners' other answers (`pairs`): that of Q3 itself has no known expectation, which falls with few items
    and with their slopes. Its sum has skewness g where the third moment says so, and is referred to a gamma
    distribution of that skewness: with easy items two rare slips of one learner are no clone. `items` of a short test
    first go through `without_capture`.
    Source: Yen (1984), Applied Psychological Measurement 8, 125-145 (Q3).
    """
    q3, found = q3_matrix(answers, items, theta), pairs(answers, predictions)
    first, second = np.triu_indices(answers.n_items, 1)
    enough = found.n[first, second] >= MIN_IN_COMMON
    first, second = first[enough], second[enough]
    q3[found.n < MIN_IN_COMMON] = np.nan
    np.fill_diagonal(q3, 1.0)
    mean = float(q3[first, second].mean()) if first.size else np.nan
    adjusted = np.minimum(_upper_tail(found, first, second) * first.size, 1.0)
    relative = q3[first, second] - mean
    named = np.flatnonzero((adjusted < SIGNIFICANT) & (relative > NOTABLE))
    named = named[np.argsort(-relative[named], kind="stable")]
    dependent = tuple(
        DependentPair(
            int(first[k]), int(second[k]), int(found.n[first[k], second[k]]), float(q3[first[k], second[k]]),
            float(relative[k]), float(adjusted[k]),
        )
        for k in named
    )  # fmt: skip
    return LocalDependence(q3, mean, first.size, dependent, _bundles(dependent, answers.n_items))


def q3_matrix(answers: ResponseMatrix, items: Items, theta: Floats) -> Floats:
    """Correlations of residuals answer - P(theta) over those who answered both, shape (n_items, n_items).

    NaN where fewer than two did. Nobody answers an item twice here: residuals of one learner and item are added.
    """
    p = np.exp(log_right(items.at(answers.item), theta[answers.user][:, None]))[:, 0]
    residual = answers.correct.astype(np.float64) - p
    one = np.ones_like(p)
    n, sums, squares = shared(answers, one), shared(answers, residual, one), shared(answers, residual**2, one)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = squares - sums**2 / n
        return np.asarray((shared(answers, residual) - sums * sums.T / n) / np.sqrt(spread * spread.T))


def _upper_tail(found: Pairs, first: NDArray[np.intp], second: NDArray[np.intp]) -> Floats:
    """P(sum of products of residuals is as large), by Pearson's type III distribution of the same three moments."""
    covariance, variance, third = (x[first, second] for x in (found.covariance, found.variance, found.third))
    z, skew = covariance / np.sqrt(variance), third / variance**1.5
    # Where the long tail is below, this distribution would end above; the normal one does not, and errs upwards.
    shape = 4 / np.maximum(skew, _NO_SKEW) ** 2
    return np.asarray(gamma.sf(shape + np.sqrt(shape) * z, shape))


def _bundles(dependent: tuple[DependentPair, ...], n_items: int) -> tuple[tuple[int, ...], ...]:
    ends = np.array([(pair.first, pair.second) for pair in dependent], dtype=int).reshape(-1, 2).T
    _, label = connected_components(coo_array((np.ones(ends.shape[1]), tuple(ends)), shape=(n_items, n_items)))
    members = [tuple(np.flatnonzero(label == k).tolist()) for k in np.unique(label[ends])]
    return tuple(sorted(members, key=lambda bundle: (-len(bundle), bundle)))
