"""What the item bank expects of a learner at one ability: chances and information, per item of the bank."""

import numpy as np
from scipy.special import expit

from resources.model import Floats, ItemBank


def probability_right(bank: ItemBank, theta: float) -> Floats:
    """P(right) per item of the bank, shape (J,)."""
    return np.asarray(bank.c + (1 - bank.c) * expit(bank.a * (theta - bank.b)))


def information(bank: ItemBank, theta: float) -> Floats:
    """Fisher information per item about theta, shape (J,), in logits^-2.

    Source: Lord (1980), Applications of item response theory to practical testing problems, equation 5-9.
    """
    z = bank.a * (theta - bank.b)
    return np.asarray(bank.a**2 * (1 - bank.c) * expit(-z) * expit(z) ** 2 / probability_right(bank, theta))
