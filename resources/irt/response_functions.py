"""The item response function of the 2PL and the 3PL: probabilities, their logarithms, and the information they carry.

Metric: logistic, D = 1. Everything is computed from logarithms that neither overflow nor round to -inf far from b.
scipy is imported by what needs it: to import it takes as long as all else that an API starts with.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)  # one is another, whatever is in it: so what is made of it can be kept
class Items:
    """Parameters of J items, each of shape (J,): discrimination a (per logit), difficulty b (logits), guessing c."""

    a: Floats
    b: Floats
    c: Floats

    def at(self, index: NDArray[np.integer]) -> "Items":
        return Items(self.a[index], self.b[index], self.c[index])


def probability(items: Items, theta: Floats) -> Floats:
    """P(right) = c + (1 - c) / (1 + exp(-a (theta - b))), shape (J, Q) for `theta` of shape (Q,)."""
    from scipy.special import expit

    c = items.c[:, None]
    return np.asarray(c + (1 - c) * expit(_logit(items, theta)))


def probability_at(items: Items, theta: float) -> Floats:
    """P(right) of each item at one ability, shape (J,)."""
    return probability(items, np.array([theta]))[:, 0]


def right_at(items: Items, theta: Floats) -> Floats:
    """P(right) of each item at an ability of its own, both of shape (J,)."""
    from scipy.special import expit

    return np.asarray(items.c + (1 - items.c) * expit(items.a * (theta - items.b)))


def log_wrong(items: Items, theta: Floats) -> Floats:
    """log(1 - P), shape (J, Q); `theta` has shape (Q,), or (J, Q) where every item has its own points."""
    from scipy.special import log_expit

    return np.asarray(np.log1p(-items.c)[:, None] + log_expit(-_logit(items, theta)))


def log_right(items: Items, theta: Floats) -> Floats:
    """log P, shapes as in `log_wrong`."""
    from scipy.special import log_expit

    above_guessing = log_expit(_logit(items, theta))
    if not items.c.any():
        return np.asarray(above_guessing)
    with np.errstate(divide="ignore"):  # c = 0: log c is -inf, and logaddexp then returns its other argument
        log_c = np.log(items.c)[:, None]
    return np.asarray(np.logaddexp(log_c, np.log1p(-items.c)[:, None] + above_guessing))


def information(items: Items, theta: Floats) -> Floats:
    """Fisher information of each item about theta, shape (J, Q): a^2 (1 - P)/P ((P - c)/(1 - c))^2.

    Source: Lord (1980), Applications of item response theory to practical testing problems, equation 5-9.
    """
    from scipy.special import expit

    a, c = items.a[:, None], items.c[:, None]
    z = _logit(items, theta)
    # (1 - P) and (P - c)/(1 - c) as logistic functions themselves: no difference of nearly equal numbers.
    above_guessing = expit(z)
    return np.asarray(a**2 * (1 - c) * expit(-z) * above_guessing**2 / (c + (1 - c) * above_guessing))


def information_at(items: Items, theta: float) -> Floats:
    """Fisher information of each item at one ability, shape (J,)."""
    return information(items, np.array([theta]))[:, 0]


def _logit(items: Items, theta: Floats) -> Floats:
    return items.a[:, None] * (theta - items.b[:, None])
