"""Learners put into groups by what is expected of them."""

import numpy as np

from resources.irt.response_functions import Floats
from resources.irt.response_matrix import Ints

# Equal predictions differ by rounding, and by the answer itself at that: to part them is to sort by the answer.
_EQUAL = 9  # decimals


def grouped(p: Floats, weight: Floats, n_groups: int) -> Ints:
    """Group of each learner, shape (n,), 0 for the lowest p: up to `n_groups` of about equal weight, none empty.

    Whoever has the same p is in the same group. With complete data and equal slopes p has as many values as the rest
    score; parted at random between two groups these would still be unlike, and by their rounding they were.
    """
    values, place = np.unique(p.round(_EQUAL), return_inverse=True)
    total = np.bincount(place, weights=weight, minlength=values.size)
    middle = (np.cumsum(total) - total / 2) / total.sum()
    group = np.minimum(middle * n_groups, n_groups - 1).astype(int)
    return np.asarray(np.unique(group, return_inverse=True)[1][place])
