"""A bank's second calibration, where the truth is known: new items, items that drifted, and learners who grew.

    OPENBLAS_NUM_THREADS=1 python -m tests.benchmarks.bench_calibration [--quick]

3,000 learners gain .10 logits a week (SD .05) and answer 15 items a week that are near them. The first bank of 300
items is calibrated from four weeks; then 60 items are new and 30 of the old ones easier or harder by .6. The second
calibration is made from the next eight weeks. "theta": what adopting does to the levels of the last week, from all
items that each bank has: mean and SD of the move, and how many of the true abilities lie within +- 1.96 SE, before and
after.
"""

import argparse
import datetime as dt
import time

import numpy as np
import pandas as pd
from scipy.special import expit

from assets.calibration.counted import Counted, counted
from assets.calibration.fitting import Fitting
from assets.calibration.item_bank import NewBank, new_bank
from assets.calibration.sample import Chosen
from resources.irt.calibration.linking import Link
from resources.irt.eap import eap
from resources.irt.response_functions import Floats, Items
from resources.irt.response_matrix import ResponseMatrix
from resources.model import Ints, ItemBank, Model
from tests import answer_tables

START = dt.datetime(2025, 1, 6, tzinfo=dt.UTC)
OLD, NEW, DRIFTED, SHIFT = 300, 60, 30, 0.6
MODELS: tuple[Model, ...] = ("2PL", "3PL", "Rasch")


def quiet(task: str, done: int, total: int) -> None:
    """Nobody watches."""


class Platform:
    """Learners who grow, and the items they are given."""

    def __init__(self, model: Model, n_learners: int, seed: int, growth: float = 0.1) -> None:
        self.rng = rng = np.random.default_rng(seed)
        n = OLD + NEW
        a = np.ones(n) if model == "Rasch" else rng.lognormal(0, 0.3, n)
        self.items = Items(a, rng.normal(0, 1, n), np.full(n, 0.2 if model == "3PL" else 0.0))
        self.theta = rng.normal(-0.3, 1, n_learners)
        self.growth, self.week = growth, 0
        self.unseen = np.ones((n_learners, n), dtype=bool)
        self.drawn: list[tuple[Ints, Ints, Ints, Floats]] = []

    def drift(self) -> None:
        shift = np.where(np.arange(DRIFTED) % 2, SHIFT, -SHIFT)
        self.items.b[:DRIFTED] += shift

    def weeks(self, n: int, items: slice, a_week: int = 15) -> None:
        for _ in range(n):
            pool = np.arange(self.items.a.size)[items]
            believed = self.theta + self.rng.normal(0, 0.5, self.theta.size)
            weight = -0.5 * ((self.items.b[pool] - believed[:, None]) / 0.7) ** 2
            key = np.where(self.unseen[:, pool], weight + self.rng.gumbel(size=weight.shape), -np.inf)
            item = pool[np.argpartition(-key, a_week, axis=1)[:, :a_week]]
            np.put_along_axis(self.unseen, item, False, axis=1)
            a, b, c = self.items.a[item], self.items.b[item], self.items.c[item]
            p = c + (1 - c) * expit(a * (self.theta[:, None] - b))
            right = self.rng.random(item.shape) < p
            user = np.repeat(np.arange(self.theta.size), a_week)
            at = self.week + self.rng.random(user.size)
            self.drawn.append((user, item.ravel(), right.ravel().astype(np.int64), at))
            self.last = self.theta
            self.theta = self.theta + self.growth + self.rng.normal(0, 0.05, self.theta.size)
            self.week += 1

    def answers(self) -> Counted:
        user, item, right, weeks = (np.concatenate(part) for part in zip(*self.drawn, strict=True))
        at = np.datetime64(START.replace(tzinfo=None), "us") + (weeks * 7 * 86_400e6).astype("timedelta64[us]")
        table = answer_tables.table(
            pd.DataFrame({
                "user_id": np.array([f"u{u:06d}" for u in range(self.theta.size)])[user],
                "item_key": np.array([f"q{j:04d}" for j in range(self.items.a.size)])[item],
                "correct": right.astype(bool), "completed_at": at,
            })
        )  # fmt: skip
        return counted([table], {})


def of(model: Model, n_learners: int, seed: int) -> None:
    platform = Platform(model, n_learners, seed)
    platform.weeks(4, slice(0, OLD))
    made = new_bank(platform.answers(), Chosen(), Fitting(model, quiet), None, START)
    until = made.fitted.sample.until
    platform.drift()
    platform.weeks(8, slice(0, OLD + NEW))
    answers = platform.answers()
    print(f"\n{model}: new items' b: bias, RMSE; drifted named of {DRIFTED}; stable named; CPU s; theta")
    for name, since, all_items in (
        ("since the last bank", until, False),
        ("since the last bank, --all-items", until, True),
        ("all answers ever, --all-items", None, True),
    ):
        began = time.process_time()
        second = new_bank(answers, Chosen(since), Fitting(model, quiet), made.made, START, all_items=all_items)
        took = time.process_time() - began
        bias, rmse = errors_of_new(made.made.bank, second.made.bank, platform.items)
        hits, alarms, stable = named(second)
        share = 100 * alarms / stable
        mean, sd, before, after = moved_thetas(made.made.bank, second, platform)
        print(
            f"{name:34}{bias:+8.3f}{rmse:7.3f}{hits:5}{alarms:5} of {stable} ({share:.1f} %){took:6.1f}"
            f"   {mean:+.3f} +- {sd:.3f}, {before:.3f} to {after:.3f}",
            flush=True,
        )


def scale_of(first: ItemBank, true: Items) -> Link:
    """From the true scale to the first bank's, by its items that did not drift."""
    still = [key for key in first.item_keys if number(key) >= DRIFTED]
    b, b_true = first.b[[first.place[key] for key in still]], true.b[[number(key) for key in still]]
    slope = float(b.std() / b_true.std())
    return Link(slope, float(b.mean() - slope * b_true.mean()))


def errors_of_new(first: ItemBank, second: ItemBank, true: Items) -> tuple[float, float]:
    """Mean and root mean square error of b of the items that the first bank lacks, on its scale."""
    new = [key for key in second.item_keys if number(key) >= OLD]
    expected = scale_of(first, true).abilities(true.b[[number(key) for key in new]])
    error = second.b[[second.place[key] for key in new]] - expected
    return float(error.mean()), float(np.sqrt((error**2).mean()))


def moved_thetas(first: ItemBank, second: NewBank, platform: Platform) -> tuple[float, float, float, float]:
    """Mean and SD of the second bank's EAP less the first's, and the coverage of each, for the last week's answers."""
    user, item, right, _ = platform.drawn[-1]
    keys = [f"q{j:04d}" for j in range(platform.items.a.size)]
    mean, sd = second.fitted.found.group_mean[-1], second.fitted.found.group_sd[-1]
    truth, found = scale_of(first, platform.items).abilities(platform.last), []
    for bank in (first, second.made.bank):
        place = np.array([bank.place.get(key, -1) for key in keys])[item]
        rows = place >= 0
        answers = ResponseMatrix(user[rows], place[rows], right[rows], truth.size, len(bank.item_keys))
        found.append(eap(answers, bank.items, second.link.abilities(mean), second.link.slope * sd))
    moved = found[1].mean - found[0].mean
    before, after = (float(np.mean(np.abs(one.mean - truth) < 1.96 * one.sd)) for one in found)
    return float(moved.mean()), float(moved.std()), before, after


def named(second: NewBank) -> tuple[int, int, int]:
    """Drifted items that were named, stable ones that were, and how many stable ones there are."""
    if second.linking is None:
        raise ValueError("A first bank has nothing to compare with.")
    drifted = np.array([number(key) < DRIFTED for key in second.linking.anchors])
    moved = second.linking.drift.moved
    return int((moved & drifted).sum()), int((moved & ~drifted).sum()), int((~drifted).sum())


def number(key: str) -> int:
    return int(key[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a third of the learners")
    options = parser.parse_args()
    for model in MODELS:
        of(model, 1_000 if options.quick else 3_000, seed=1)


if __name__ == "__main__":
    main()
