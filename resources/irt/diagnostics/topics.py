"""Whether items of one topic hang together more than ability explains: topics, or exams, as dimensions of their own."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from resources.irt.diagnostics.pairs import Pairs
from resources.irt.response_functions import Floats
from resources.irt.response_matrix import Ints

SIGNIFICANT = 0.05
# Two halves of 40 items differ so much where their abilities correlate .9; a total score is then still a fair summary.
NOTABLE = 0.02


@dataclass(frozen=True)
class ByTopic:
    """Mean correlations of residuals, expected 0: `within` topics, `between` them, and `of_topic`, shape (n_topics,).

    A topic of one item, or without learners in common, has NaN. `p` is one-sided: within is not above between.
    """

    within: float
    between: float
    of_topic: Floats
    of_topic_se: Floats
    p: float

    @property
    def several(self) -> bool:
        """Topics measure different abilities, to a degree that matters."""
        return self.p < SIGNIFICANT and self.within - self.between > NOTABLE


def by_topic(pairs: Pairs, topic: Ints) -> ByTopic:
    """`topic` of each item in 0, 1, ..., shape (n_items,). A pair counts as often as it has learners in common.

    Each pair's correlation has the variance 1 / n, and pairs are uncorrelated where one ability explains the answers,
    so the mean over N learners in common has the variance 1 / N; no permutation is needed. NaN with one topic.
    Source: Yen (1984), Applied Psychological Measurement 8, 125-145 (Q3 within and between sets of items).
    """
    first, second = np.triu_indices(topic.size, 1)
    n, covariance, variance = (x[first, second] for x in (pairs.n, pairs.covariance, pairs.variance))
    weighted = np.where(n > 0, covariance * np.sqrt(n / np.where(n > 0, variance, 1.0)), 0.0)  # n times correlation
    # Row k is topic k; the last one holds the pairs of different topics.
    n_topics = int(topic.max()) + 1
    row = np.where(topic[first] == topic[second], topic[first], n_topics)
    totals = np.bincount(row, weights=n, minlength=n_topics + 1)
    sums = np.bincount(row, weights=weighted, minlength=n_topics + 1)
    n_within, n_between = totals[:-1].sum(), totals[-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        within, between = np.divide([sums[:-1].sum(), sums[-1]], [n_within, n_between])
        z = (within - between) / np.sqrt(1 / n_within + 1 / n_between)
        return ByTopic(
            float(within), float(between), sums[:-1] / totals[:-1], 1 / np.sqrt(totals[:-1]), float(norm.sf(z))
        )
