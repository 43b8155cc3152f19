"""Ability as a point that is not shrunk (WLE), or shrunk to the mode of the posterior (MAP), with standard errors.

A posterior mean is drawn to its prior by an amount that depends on how much was answered, so two of them from unequal
numbers of answers differ without any change of ability. The WLE has nearly no bias at any length of test: decisions on
an individual and comparisons of one learner's times rest on it. For levels and for groups `eap` is the better one: its
mean squared error is smaller.

Source: Warm (1989), Weighted likelihood estimation of ability in item response theory, Psychometrika 54(3), 427-450.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resources.irt.response_functions import Floats, Items
from resources.irt.response_matrix import ResponseMatrix
from resources.irt.score_function import sums_at, sums_on_grid

SPACING = 0.25  # logits between the points where roots are looked for: two in one gap need slopes of 8 and more
BEYOND_ITEMS = 12.0  # logits from the outermost difficulty to the grid's end: enough for slopes of .3 and more
TOLERANCE = 1e-9  # logits
_ROUNDS = 60  # where the secant does not settle, halving does: 28 for a gap of .25
_USERS_AT_ONCE = 1_000

# What is added to the score function: of theta, information I and J, each (users, points), and who the users are.
_Pull = Callable[[Floats, Floats, Floats, NDArray[np.intp]], Floats]


@dataclass(frozen=True)
class PointEstimate:
    """Per user, shape (n_users,): `theta` and `se` in logits, `information` of the answers at theta (per logit^2).

    NaN, NaN and 0 where nothing was answered.
    """

    theta: Floats
    se: Floats
    information: Floats


def wle(answers: ResponseMatrix, items: Items) -> PointEstimate:
    """Warm's weighted likelihood estimate: the root of S(theta) + J(theta) / (2 I(theta)); SE = 1 / sqrt(I(theta)).

    S, I and J as in `score_function`. Finite for all right and all wrong. Under the 3PL several roots may exist: the
    one with the largest weighted likelihood is taken.

    Raises:
        ArithmeticError: no root within 12 logits of the items' difficulties.
    """

    def warm(theta: Floats, information: Floats, j: Floats, users: NDArray[np.intp]) -> Floats:
        with np.errstate(invalid="ignore"):  # 0 / 0 where nothing was answered: NaN is the answer
            return np.asarray(j / (2 * information))

    theta, information = _roots(answers, items, warm)
    with np.errstate(divide="ignore"):
        se = 1 / np.sqrt(information)
    return PointEstimate(theta, np.where(information > 0, se, np.nan), information)


def posterior_mode(
    answers: ResponseMatrix, items: Items, prior_mean: Floats | float = 0.0, prior_sd: Floats | float = 1.0
) -> PointEstimate:
    """MAP: the root of S(theta) - (theta - prior_mean) / prior_sd^2, with SE = 1 / sqrt(I(theta) + 1 / prior_sd^2).

    The prior is one for all users or of shape (n_users,). I is the expected information; mirt takes the observed one,
    which under the 2PL is the same.

    Raises:
        ArithmeticError: no root within 12 logits of the items' difficulties.
    """
    mean, sd = (np.broadcast_to(np.asarray(given, np.float64), answers.n_users) for given in (prior_mean, prior_sd))

    def to_the_prior(theta: Floats, information: Floats, j: Floats, users: NDArray[np.intp]) -> Floats:
        return np.asarray((mean[users, None] - theta) / sd[users, None] ** 2)

    theta, information = _roots(answers, items, to_the_prior)
    return PointEstimate(theta, np.where(information > 0, 1 / np.sqrt(information + sd**-2), np.nan), information)


def _roots(answers: ResponseMatrix, items: Items, pull: _Pull) -> tuple[Floats, Floats]:
    """Per user the root of S + pull, and I there; NaN and 0 for users without answers."""
    low, high, f_low, f_high = _brackets(answers, items, pull)
    users = np.arange(answers.n_users)
    last, above_before = low, np.full(answers.n_users, np.nan)
    for _ in range(_ROUNDS):
        # Secant in the bracket; an end that stays twice has its value halved (Illinois), or it would stay for ever.
        theta = high - f_high * (high - low) / (f_high - f_low)
        terms = sums_at(answers, items, theta)
        f = terms.score + pull(theta[:, None], terms.information[:, None], terms.j[:, None], users)[:, 0]
        if not np.any(np.abs(theta - last) > TOLERANCE):  # NaN, for want of answers, is not above it
            return theta, terms.information
        above = f > 0
        again = np.where(above == above_before, 0.5, 1.0)
        f_low, f_high = np.where(above, f, again * f_low), np.where(above, again * f_high, f)
        last, above_before = theta, above
        low, high = np.where(above, theta, low), np.where(above, high, theta)
    raise ArithmeticError(f"Roots of the score function were not found in {_ROUNDS} rounds.")


def _brackets(answers: ResponseMatrix, items: Items, pull: _Pull) -> tuple[Floats, Floats, Floats, Floats]:
    """Neighbouring points of a grid between which S + pull falls through 0, and its values there.

    Of several such gaps the one at which the integral of S + pull, the weighted log-likelihood, is largest.
    """
    found = np.full((4, answers.n_users), np.nan)
    table = answers.table()
    users = np.flatnonzero(np.diff(table.indptr))
    if not users.size:
        return found[0], found[1], found[2], found[3]
    b = items.b[np.unique(answers.item)]
    n = int(np.ceil((b.max() - b.min() + 2 * BEYOND_ITEMS) / SPACING)) + 1
    theta = b.min() - BEYOND_ITEMS + SPACING * np.arange(n)
    for some in np.array_split(users, int(np.ceil(users.size / _USERS_AT_ONCE))):
        terms = sums_on_grid(table[some], items, theta)
        f = terms.score + pull(theta[None], terms.information, terms.j, some)
        falls = (f[:, :-1] > 0) & (f[:, 1:] <= 0)
        log_weighted = np.cumsum(f[:, :-1] + f[:, 1:], axis=1)  # by trapezia, up to each gap's right end
        gap = np.argmax(np.where(falls, log_weighted, -np.inf), axis=1)
        at = np.arange(some.size)
        if not falls[at, gap].all():
            raise ArithmeticError(
                f"No root within {BEYOND_ITEMS} logits of the items for user {some[~falls[at, gap]][0]}."
            )
        found[:, some] = theta[gap], theta[gap + 1], f[at, gap], f[at, gap + 1]
    return found[0], found[1], found[2], found[3]
