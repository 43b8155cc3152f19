"""Answers of many users in long form, and the sparse table through which every sum over answers is one matrix product.

Stays out: what an answer is worth (curves) and what is concluded from it (eap, calibration, fit).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # a single learner's update makes no table
    from scipy.sparse import csr_array

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ResponseMatrix:
    """n scorable answers; their order carries no meaning, and an item answered twice counts twice.

    `user` in [0, n_users), `item` in [0, n_items) and `correct` (0 or 1) have shape (n,).
    """

    user: Ints
    item: Ints
    correct: Ints
    n_users: int
    n_items: int

    def __post_init__(self) -> None:
        if not (self.user.shape == self.item.shape == self.correct.shape):
            raise ValueError("user, item and correct differ in length.")
        for name, index, end in (("user", self.user, self.n_users), ("item", self.item, self.n_items),
                                 ("correct", self.correct, 2)):  # fmt: skip
            if index.size and not (index.min() >= 0 and index.max() < end):
                raise ValueError(f"{name} holds {index.min()} to {index.max()}, outside [0, {end}).")

    def table(self) -> "csr_array":
        """How often: sparse, shape (n_users, 2 n_items); column j counts item j wrong, n_items + j counts it right."""
        from scipy.sparse import coo_array, csr_array

        column = (self.item + self.n_items * self.correct).astype(np.int32)
        ones = np.ones(column.size)
        shape = (self.n_users, 2 * self.n_items)
        if np.any(self.user[1:] < self.user[:-1]):
            return coo_array((ones, (self.user.astype(np.int32), column)), shape=shape).tocsr()
        # Sorted by user already, as most data are: the rows need no sorting, a third of the time of scoring them.
        row_starts = np.concatenate([[0], np.cumsum(np.bincount(self.user, minlength=self.n_users))])
        return csr_array((ones, column, row_starts.astype(np.int32)), shape=shape)
