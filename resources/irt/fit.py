"""How well answers agree with the model: persons, items; and how precisely items measure."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from resources.irt.answers import Answers, Ints
from resources.irt.curves import Floats, Items, information, log_right, log_wrong


@dataclass(frozen=True)
class MeanSquares:
    """Of squared residuals, expected 1: `infit` weighted by information, `outfit` not. NaN without an answer."""

    infit: Floats
    outfit: Floats


def person_mean_squares(answers: Answers, items: Items, theta: Floats) -> MeanSquares:
    """Per user, at abilities `theta`, shape (n_users,). Source: Wright & Masters (1982), Rating scale analysis, ch. 5.

    The variance inside outfit is not floored: one wrong answer to an item far too easy counts in full.
    """
    return _mean_squares(answers, items, theta, answers.user, answers.n_users)


def item_mean_squares(answers: Answers, items: Items, theta: Floats) -> MeanSquares:
    """Per item, at abilities `theta`, shape (n_users,)."""
    return _mean_squares(answers, items, theta, answers.item, answers.n_items)


def lz(answers: Answers, items: Items, theta: Floats) -> Floats:
    """Standardised log-likelihood of each user's answers at `theta`, shape (n_users,): below -2 is aberrant.

    NaN without answers. Nearer 0 than a true z where theta is estimated from the same answers.
    Source: Drasgow, Levine & Williams (1985), British Journal of Mathematical and Statistical Psychology 38, 67-86.
    """
    right, wrong = _at_answers(answers, items, theta, log_right), _at_answers(answers, items, theta, log_wrong)
    p = np.exp(right)

    def per_user(x: Floats) -> Floats:
        return np.bincount(answers.user, weights=x, minlength=answers.n_users).astype(np.float64)

    observed = per_user(np.where(answers.correct == 1, right, wrong))
    expected = per_user(p * right + (1 - p) * wrong)
    variance = per_user(p * (1 - p) * (right - wrong) ** 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(variance > 0, (observed - expected) / np.sqrt(variance), np.nan)


def total_information(items: Items, theta: Floats) -> Floats:
    """Of all items together, shape (Q,)."""
    return np.asarray(information(items, theta).sum(axis=0))


def expected_se(items: Items, theta: Floats, prior_sd: float = np.inf) -> Floats:
    """SE that answers to all items lead to at `theta`, shape (Q,), in logits; of EAP where the prior's SD is given."""
    with np.errstate(divide="ignore"):
        return np.asarray(1 / np.sqrt(total_information(items, theta) + prior_sd**-2))


def marginal_reliability(items: Items, mean: float = 0.0, sd: float = 1.0) -> float:
    """Share of variance that is not error, expected over N(mean, sd^2), if everybody answers every item.

    Source: Green, Bock, Humphreys, Linn & Reckase (1984), Journal of Educational Measurement 21, 347-360.
    """
    z = np.linspace(-6, 6, 241)
    weight = np.exp(-0.5 * z**2)
    told = total_information(items, mean + sd * z)
    return float((weight / weight.sum()) @ (told / (told + sd**-2)))


def empirical_reliability(theta: Floats, se: Floats) -> float:
    """Variance of the EAP estimates over itself plus the mean squared SE."""
    signal = float(np.var(theta, ddof=1))
    return signal / (signal + float(np.mean(se**2)))


def _mean_squares(answers: Answers, items: Items, theta: Floats, of: Ints, size: int) -> MeanSquares:
    p = np.exp(_at_answers(answers, items, theta, log_right))
    variance = p * np.exp(_at_answers(answers, items, theta, log_wrong))
    squared = (answers.correct.astype(np.float64) - p) ** 2

    def total(x: Floats) -> Floats:
        return np.bincount(of, weights=x, minlength=size).astype(np.float64)

    with np.errstate(invalid="ignore"):  # 0 / 0: no answers
        return MeanSquares(
            total(squared) / total(variance),
            total(squared / variance) / np.bincount(of, minlength=size).astype(np.float64),
        )


def _at_answers(answers: Answers, items: Items, theta: Floats, curve: Callable[[Items, Floats], Floats]) -> Floats:
    return curve(items.at(answers.item), theta[answers.user][:, None])[:, 0]
