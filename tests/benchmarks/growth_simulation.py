"""Learners whose true ability by week is known, and their answers: what estimates over time are judged by.

Every week a practising learner answers items that he never met, drawn with weights that favour difficulties near what
his answers so far tell of his ability: as on a platform, and ignorable, since only answers decide.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from resources.irt.eap import eap
from resources.irt.response_functions import Floats, Items
from resources.irt.response_matrix import ResponseMatrix

START_MEAN = -0.3  # the group of the finding: from -.3 to .4 in seven steps


@dataclass(frozen=True)
class Scenario:
    """`steps`: mean growth in logits before each week after the first; `spread`: SD of a learner's own part of it.

    `every_second_week_off`: the share of learners who answer in odd weeks only; `absent_move`: they grow then, too.
    """

    name: str
    steps: tuple[float, ...]
    spread: float = 0.05
    every_second_week_off: float = 0.0
    absent_move: bool = False
    guessing: float = 0.0
    n_learners: int = 3_000
    n_items: int = 300
    a_week: int = 15


@dataclass(frozen=True)
class Simulated:
    """`truth` and `active` have shape (n_weeks, n_learners); `weeks` holds each week's answers, sorted by user."""

    scenario: Scenario
    items: Items
    truth: Floats
    active: NDArray[np.bool_]
    weeks: list[ResponseMatrix] = field(repr=False)


def simulate(scenario: Scenario, seed: int = 0) -> Simulated:
    """Abilities, items and answers of all weeks."""
    rng = np.random.default_rng(seed)
    n, n_items = scenario.n_learners, scenario.n_items
    items = Items(rng.lognormal(0, 0.3, n_items), rng.normal(size=n_items), np.full(n_items, scenario.guessing))
    sometimes_off = rng.random(n) < scenario.every_second_week_off
    theta = rng.normal(START_MEAN, 1, n)
    unseen, believed = np.ones((n, n_items), dtype=bool), np.full(n, np.nan)
    truth, active, weeks = [], [], []
    for week, step in enumerate((0.0, *scenario.steps)):
        here = ~(sometimes_off & (week % 2 == 1))
        if week:
            theta = theta + (here | scenario.absent_move) * (step + rng.normal(0, scenario.spread, n))
        item = _assigned(items, believed, np.flatnonzero(here), unseen, scenario.a_week, rng)
        user = np.repeat(np.flatnonzero(here), scenario.a_week)
        right = (rng.random(user.size) < _chance(items, item, theta[user])).astype(np.int64)
        weeks.append(ResponseMatrix(user, item, right, n, n_items))
        truth.append(theta)
        active.append(here)
        believed = eap(joined(weeks), items).mean
    return Simulated(scenario, items, np.array(truth), np.array(active), weeks)


def joined(weeks: list[ResponseMatrix]) -> ResponseMatrix:
    """The answers of several weeks as one."""
    user, item, correct = (
        np.concatenate([getattr(week, name) for week in weeks]) for name in ("user", "item", "correct")
    )
    return ResponseMatrix(user, item, correct, weeks[0].n_users, weeks[0].n_items)


def _assigned(
    items: Items,
    believed: Floats,
    learners: NDArray[np.intp],
    unseen: NDArray[np.bool_],
    k: int,
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """k new items for each of the learners, in their order; marked as seen."""
    log_weight = np.nan_to_num(-0.5 * ((items.b - believed[learners, None]) / 0.7) ** 2)  # at first: any item
    # The largest of log weight + Gumbel noise are a weighted draw without replacement.
    key = np.where(unseen[learners], log_weight + rng.gumbel(size=log_weight.shape), -np.inf)
    item = np.sort(np.argpartition(-key, k, axis=1)[:, :k], axis=1).ravel()
    unseen[np.repeat(learners, k), item] = False
    return item


def _chance(items: Items, item: NDArray[np.intp], theta: Floats) -> Floats:
    a, b, c = items.a[item], items.b[item], items.c[item]
    return np.asarray(c + (1 - c) / (1 + np.exp(-a * (theta - b))))
