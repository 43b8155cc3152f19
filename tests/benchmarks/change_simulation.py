"""Learners asked at two times whose change of ability is known: what verdicts on change are judged by."""

import numpy as np

from resources.irt.response_functions import Floats, Items, probability
from resources.irt.response_matrix import ResponseMatrix


def two_times(
    items: Items, theta_before: float, theta_now: float, before: int, now: int, *, n_users: int, seed: int
) -> tuple[ResponseMatrix, Floats]:
    """Different items drawn at random from the bank for each learner, and each answer's position: 0 before, 1 now."""
    rng = np.random.default_rng(seed)
    position = np.repeat([0, 1], [before, now])
    item = rng.permuted(np.tile(np.arange(items.a.size), (n_users, 1)), axis=1)[:, : before + now]
    chance = probability(items, np.array([theta_before, theta_now]))[item, position]
    right = (rng.random(item.shape) < chance).astype(np.int64)
    user = np.repeat(np.arange(n_users), before + now)
    return ResponseMatrix(user, item.ravel(), right.ravel(), n_users, items.a.size), np.tile(position, n_users).astype(
        float
    )
