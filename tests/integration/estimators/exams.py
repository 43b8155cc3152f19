"""Made-up exams for tests about everything but the arithmetic."""

import numpy as np

from resources.model import ItemBank, Responses


def exam(users: int = 20, items: int = 30, each: int = 10, seed: int = 1) -> tuple[Responses, ItemBank]:
    """`each` random responses of each user to a 2PL bank."""
    draw = np.random.default_rng(seed)
    item_keys = tuple(f"item {j}" for j in range(items))
    responses = Responses(
        tuple(f"user {i}" for i in range(users)),
        item_keys,
        np.repeat(np.arange(users), each),
        draw.integers(0, items, users * each),
        draw.integers(0, 2, users * each).astype(np.float64),
    )
    bank = ItemBank(
        "made up", "2PL", item_keys, draw.lognormal(0, 0.3, items), draw.normal(size=items), np.zeros(items)
    )
    return responses, bank
