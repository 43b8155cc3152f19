"""Which items are on one scale: those that learners connect, who answered this one and that one.

Between two sets of items that nobody answered both of, nothing tells which is the harder: each has a scale of its own.
"""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from resources.irt.response_matrix import Ints, ResponseMatrix


def components(answers: ResponseMatrix) -> Ints:
    """The connected component of each item, shape (n_items,), from 0 in the order of falling numbers of answers."""
    ones = np.ones(answers.item.size, dtype=np.int8)
    n = answers.n_items + answers.n_users
    graph = coo_array((ones, (answers.item, answers.n_items + answers.user)), shape=(n, n))
    label = connected_components(graph, directed=False)[1][: answers.n_items]
    size = np.bincount(label[answers.item], minlength=label.max(initial=-1) + 1)
    rank = np.argsort(np.argsort(-size, kind="stable"), kind="stable")
    return np.asarray(rank[label], np.int64)
