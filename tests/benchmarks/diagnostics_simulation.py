"""Answers of which it is known what is wrong with them: items, clones, second abilities, groups."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from resources.irt.calibration.calibrate import GUESSING_PRIOR, calibrate
from resources.irt.calibration.m_step import ItemPriors, Normal
from resources.irt.diagnostics.estimated import Estimated, estimated
from resources.irt.diagnostics.item_fit import ItemFit, item_fit
from resources.irt.diagnostics.predictions import predict
from resources.irt.response_functions import Floats, Items, log_right
from resources.irt.response_matrix import Ints, ResponseMatrix

# Without it the 2PL fits a wrong key by a slope below 0, which screening names, and nothing is left to misfit.
POSITIVE = ItemPriors(log_a=Normal(0, 0.5))

Curve = Callable[[Floats], Floats]

# Share right at an ability, of items that no model here has.
CURVES: dict[str, Curve] = {
    "wrong key": lambda theta: expit(-(theta - 0.2)),
    "right up to .5, then falling": lambda theta: expit(1.5 * np.where(theta < 0.5, theta, 1 - theta)),
    "guessing .25, b 1": lambda theta: 0.25 + 0.75 * expit(1.5 * (theta - 1)),
    "slope 2.5": lambda theta: expit(2.5 * theta),
}


@dataclass(frozen=True)
class Fitted:
    items: Items
    estimated: Estimated
    sd: float


def bank(n: int, rng: np.random.Generator, guessing: float = 0.0) -> Items:
    return Items(rng.lognormal(0, 0.3, n), rng.normal(size=n), np.full(n, guessing))


def answered(items: Items, theta: Floats, each: int, rng: np.random.Generator) -> ResponseMatrix:
    """Each learner answers `each` items, drawn at random; abilities of shape (n_users,), or (n_users, n_items)."""
    n_users, n_items = len(theta), items.a.size
    item = np.argsort(rng.random((n_users, n_items)), axis=1)[:, :each].ravel()
    user = np.repeat(np.arange(n_users), each)
    at = theta[user] if theta.ndim == 1 else theta[user, item]
    p = np.exp(log_right(items.at(item), at[:, None]))[:, 0]
    return ResponseMatrix(user, item, (rng.random(user.size) < p).astype(np.int64), n_users, n_items)


def with_curve(
    answers: ResponseMatrix, theta: Floats, item: int, curve: Curve, rng: np.random.Generator
) -> ResponseMatrix:
    """The same, with the answers to one item drawn anew."""
    correct, at = answers.correct.copy(), answers.item == item
    correct[at] = rng.random(at.sum()) < curve(theta[answers.user[at]])
    return ResponseMatrix(answers.user, answers.item, correct, answers.n_users, answers.n_items)


def with_clone(
    answers: ResponseMatrix, of: int, clone: int, rng: np.random.Generator, share: float = 0.9
) -> ResponseMatrix:
    """Who answered both gives, in this share of cases, the same answer to `clone` as to `of`."""
    correct = answers.correct.copy()
    first = np.full(answers.n_users, -1)
    first[answers.user[answers.item == of]] = correct[answers.item == of]
    at = np.flatnonzero((answers.item == clone) & (first[answers.user] >= 0))
    at = at[rng.random(at.size) < share]
    correct[at] = first[answers.user[at]]
    return ResponseMatrix(answers.user, answers.item, correct, answers.n_users, answers.n_items)


def two_abilities(n_users: int, n_items: int, r: float, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """Ability for each item, shape (n_users, n_items), correlated r between two topics; and the items' topics."""
    topic = np.arange(n_items) % 2
    return rng.multivariate_normal([0, 0], [[1, r], [r, 1]], n_users)[:, topic], topic


def fitted(answers: ResponseMatrix, model: str = "2PL", known: Items | None = None) -> Fitted:
    if model == "Rasch":
        found = calibrate(answers, "Rasch", se_method="none")
        return Fitted(found.items, estimated(found.items, np.array([False, True, False])), float(found.group_sd[0]))
    if model == "3PL":
        found = calibrate(answers, "3PL", known=known, se_method="none")
        return Fitted(found.items, estimated(found.items, np.full(3, True), GUESSING_PRIOR), 1.0)
    priors = POSITIVE if model == "2PL, a > 0" else None
    found = calibrate(answers, known=known, priors=priors, se_method="none")
    return Fitted(found.items, estimated(found.items, np.array([True, True, False]), priors), 1.0)


def fit_of_items(answers: ResponseMatrix, model: str = "2PL") -> ItemFit:
    found = fitted(answers, model)
    return item_fit(answers, predict(answers, found.items, 0.0, found.sd), found.estimated)
