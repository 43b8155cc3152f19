"""How well answers agree with the model: persons, items; and how precisely items measure."""

from collections.abc import Callable
from dataclasses import astuple, dataclass

import numpy as np

from resources.irt.response_functions import Floats, Items, information, log_right, log_wrong
from resources.irt.response_matrix import Ints, ResponseMatrix


@dataclass(frozen=True)
class Residuals:
    """Sums over the answers of each user or item, all of one shape; those of several batches may be added.

    `n` answers, `right` of them right, `expected` right by the model, `variance` of that number, `variance_squared`: of
    each answer's, `squared` residuals, and `standardised`: each squared residual over its own variance, not floored, so
    that one wrong answer to an item far too easy counts in full.
    """

    n: Floats
    right: Floats
    expected: Floats
    variance: Floats
    variance_squared: Floats
    squared: Floats
    standardised: Floats

    def __add__(self, other: "Residuals") -> "Residuals":
        return Residuals(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @property
    def infit(self) -> Floats:
        """Mean square weighted by information, expected 1. Source: Wright & Masters (1982), Rating scale analysis."""
        return _ratio(self.squared, self.variance)

    @property
    def infit_z(self) -> Floats:
        """Infit less 1 in its standard errors, whatever the number of answers: of W = P (1 - P), var W - 4 W^2 each.

        Nearer 0 than N(0, 1) where abilities were estimated from the same answers. Source: Wright & Masters (1982).
        """
        return _ratio(self.infit - 1, np.sqrt(self.variance - 4 * self.variance_squared) / self.variance)

    @property
    def outfit(self) -> Floats:
        """Mean square without weights, expected 1; NaN without an answer, as all of these."""
        return _ratio(self.standardised, self.n)

    @property
    def z(self) -> Floats:
        """Number right less the expected one, in its standard errors: about N(0, 1) where the model holds."""
        return _ratio(self.right - self.expected, np.sqrt(self.variance))


def person_residuals(answers: ResponseMatrix, items: Items, theta: Floats) -> Residuals:
    """Per user, at abilities `theta`, shape (n_users,)."""
    return _residuals(answers, items, theta, answers.user, answers.n_users)


def item_residuals(answers: ResponseMatrix, items: Items, theta: Floats) -> Residuals:
    """Per item, at abilities `theta`, shape (n_users,)."""
    return _residuals(answers, items, theta, answers.item, answers.n_items)


def lz(answers: ResponseMatrix, items: Items, theta: Floats) -> Floats:
    """Standardised log-likelihood of each user's answers at `theta`, shape (n_users,): below -2 is aberrant.

    NaN without answers. Nearer 0 than a true z where theta is estimated from the same answers: then see `lz_star`.
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


def lz_star(answers: ResponseMatrix, items: Items, theta: Floats) -> Floats:
    """lz corrected for `theta` having been estimated, shape (n_users,): about N(0, 1) at 8 answers as at 100.

    lz weighs each residual y - P by w = log(P / (1 - P)). Here it is w - k r with r = P' / (P (1 - P)) and
    k = sum(P' w) / sum(P' r): the sum then does not change, to first order, with theta. At the EAP under N(0, 1) about
    1 in 35 learners of the model falls below -2, by lz about 1 in 70. NaN where no answer, or one alone, tells.
    Source: Snijders (2001), Psychometrika 66, 331-342, in the form that needs no prior: at the mode, his r0 is
    -sum(r (y - P)).
    """
    right, wrong = _at_answers(answers, items, theta, log_right), _at_answers(answers, items, theta, log_wrong)
    p, weight = np.exp(right), right - wrong
    variance = p * np.exp(wrong)
    with np.errstate(invalid="ignore", divide="ignore"):  # of an answer that cannot surprise there is nothing to tell
        of_ability = np.sqrt(_at_answers(answers, items, theta, information) / variance)  # r: information is P'^2 / PQ
    of_ability *= np.sign(items.a[answers.item])

    def per_user(x: Floats) -> Floats:
        return np.bincount(answers.user, weights=x, minlength=answers.n_users).astype(np.float64)

    with np.errstate(invalid="ignore", divide="ignore"):
        k = per_user(variance * of_ability * weight) / per_user(variance * of_ability**2)
        left = weight - k[answers.user] * of_ability
        z = per_user(left * (answers.correct - p)) / np.sqrt(per_user(left**2 * variance))
    several = np.bincount(answers.user, minlength=answers.n_users) > 1  # of one answer, rounding alone is left
    return np.where(several & np.isfinite(z), z, np.nan)


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


def _residuals(answers: ResponseMatrix, items: Items, theta: Floats, of: Ints, size: int) -> Residuals:
    p = np.exp(_at_answers(answers, items, theta, log_right))
    variance = p * np.exp(_at_answers(answers, items, theta, log_wrong))
    correct = answers.correct.astype(np.float64)
    squared = (correct - p) ** 2

    def total(x: Floats | None) -> Floats:
        return np.bincount(of, weights=x, minlength=size).astype(np.float64)

    return Residuals(
        total(None),
        total(correct),
        total(p),
        total(variance),
        total(variance**2),
        total(squared),
        total(_ratio(squared, variance)),
    )


def _ratio(x: Floats, y: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0: no answers, or none that could surprise
        return x / y


def _at_answers(
    answers: ResponseMatrix, items: Items, theta: Floats, curve: Callable[[Items, Floats], Floats]
) -> Floats:
    return curve(items.at(answers.item), theta[answers.user][:, None])[:, 0]
