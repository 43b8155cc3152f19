"""S-X2: whether learners of each total score answer an item rightly as often as the model says.

Source: Orlando & Thissen (2000), Likelihood-based item-fit indices for dichotomous item response theory models, Applied
Psychological Measurement 24, 50-64.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from resources.irt.response_functions import Floats, Items, probability
from resources.irt.response_matrix import ResponseMatrix
from resources.irt.total_scores import total_score_distribution

# Below one expected learner a cell's square is noise; the scores on either side join it, as in R mirt.
MIN_EXPECTED = 1.0


@dataclass(frozen=True)
class ItemFit:
    """`statistic` is chi-square with `df` where the item fits, and `p` its tail; all of shape (n_items,).

    NaN where `reason` says why there is none.
    """

    statistic: Floats
    df: Floats
    p: Floats
    reason: str | None


def s_x2(answers: ResponseMatrix, items: Items, n_estimated: int, mean: float = 0.0, sd: float = 1.0) -> ItemFit:
    """S-X2 of every item under N(mean, sd^2), each with `n_estimated` parameters (2PL: 2) from these answers.

    Needs every user's answer to every item: a total over different items orders nobody. Users without any answer do
    not count. With other answers missing, and with no df left, statistic, df and p are NaN.
    """
    users, row = np.unique(answers.user, return_inverse=True)
    n_items = answers.n_items
    nothing = np.full(n_items, np.nan)
    right = np.zeros((users.size, n_items), dtype=np.int64)
    seen = np.zeros((users.size, n_items), dtype=np.int64)
    np.add.at(seen, (row, answers.item), 1)
    if not np.all(seen == 1):
        short = int((seen != 1).any(axis=1).sum())
        why = f"{short} of {users.size} users did not answer every item once, and total scores do not compare"
        return ItemFit(nothing, nothing, nothing, why)
    right[row, answers.item] = answers.correct
    total = right.sum(axis=1)
    z = np.linspace(-6, 6, 61)
    weight = np.exp(-0.5 * z**2)
    p_right = probability(items, mean + sd * z)
    n_users = np.bincount(total, minlength=n_items + 1)[1:-1].astype(np.float64)
    of_total = (total_score_distribution(p_right) @ weight)[1:-1]

    statistic, df = nothing.copy(), nothing.copy()
    for j in range(n_items):
        rest = total_score_distribution(np.delete(p_right, j, axis=0))
        share = (rest[:-1] * p_right[j] @ weight) / of_total
        observed = np.bincount(total[right[:, j] == 1], minlength=n_items + 1)[1:-1].astype(np.float64)
        o, e = _joined(
            np.stack([n_users - observed, observed], axis=1), np.stack([n_users * (1 - share), n_users * share], axis=1)
        )
        if len(o) > n_estimated:
            statistic[j], df[j] = ((o - e) ** 2 / e).sum(), len(o) - n_estimated
    return ItemFit(statistic, df, np.asarray(chi2.sf(statistic, df)), None)


def _joined(observed: Floats, expected: Floats) -> tuple[Floats, Floats]:
    """Score groups of shape (groups, 2) joined with neighbours until each expects MIN_EXPECTED wrong and right.

    Groups of nobody go; a group of one joins the next higher; then the lowest group that expects too little joins the
    neighbour with fewer learners, until none does.
    """
    there = observed.sum(axis=1) > 0
    o, e = list(observed[there]), list(expected[there])

    def join(k: int, to: int) -> None:
        o[to], e[to] = o[to] + o[k], e[to] + e[k]
        del o[k], e[k]

    k = 0
    while k < len(o) - 1:
        if o[k].sum() == 1:
            join(k, k + 1)  # which now stands at k, and has at least two
        k += 1
    if len(o) > 1 and o[-1].sum() == 1:
        join(len(o) - 1, len(o) - 2)
    while len(o) > 1:
        poor = [k for k, cells in enumerate(e) if cells.min() < MIN_EXPECTED]
        if not poor:
            break
        k = poor[0]
        if k == 0:
            join(k, 1)
        elif k == len(o) - 1 or o[k - 1].sum() <= o[k + 1].sum():
            join(k, k - 1)
        else:
            join(k, k + 1)
    return np.array(o).reshape(-1, 2), np.array(e).reshape(-1, 2)
