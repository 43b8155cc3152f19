"""Banks from simulated learners whose answers are drawn from the model."""

import datetime as dt

import numpy as np
import pandas as pd

from assets.calibration.counted import counted
from assets.calibration.fitting import Fitting
from assets.calibration.item_bank import NewBank, new_bank
from assets.calibration.sample import Chosen
from resources.irt.response_functions import Floats, Items, probability
from resources.model import Model
from tests import answer_tables

NOW = dt.datetime(2025, 6, 2, tzinfo=dt.UTC)
N_ITEMS = 40


def quiet(task: str, done: int, total: int) -> None:
    """Nobody watches."""


def true_items(n: int = N_ITEMS) -> Items:
    rng = np.random.default_rng(5)
    return Items(rng.lognormal(0.1, 0.25, n), rng.normal(0, 0.8, n), np.zeros(n))


def more_items(n: int) -> Items:
    """The true ones, and n more."""
    old, new = true_items(), Items(np.ones(n), np.linspace(-1, 1, n), np.zeros(n))
    return Items(*(np.concatenate(pair) for pair in ((old.a, new.a), (old.b, new.b), (old.c, new.c))))


def on_scale_of(first: NewBank, items: Items) -> Floats:
    """The true difficulties on the first bank's scale, on which its own learners are N(0, 1)."""
    b, true = first.made.bank.b, items.b[:N_ITEMS]
    return np.asarray(b.mean() + b.std() / true.std() * (items.b - true.mean()))


def answers(theta: Floats, items: Items, seed: int) -> pd.DataFrame:
    """Every learner's answer to every item, drawn from the model."""
    right = np.random.default_rng(seed).random((theta.size, items.a.size)) < probability(items, theta).T
    user, item = np.indices(right.shape).reshape(2, -1)
    return pd.DataFrame(
        {
            "user_id": [f"{seed}-{u}" for u in user],
            "item_key": [f"q{j:02d}" for j in item],
            "correct": pd.array(right.ravel(), dtype="boolean"),
            "topic_id": pd.array(["A"] * item.size, dtype="str"),
        }
    )


def drawn(n: int, mean: float, seed: int) -> Floats:
    return np.random.default_rng(100 + seed).normal(mean, 1, n)


def calibrated(
    frame: pd.DataFrame,
    in_force: NewBank | None = None,
    *,
    model: Model = "2PL",
    all_items: bool = True,
    chosen: Chosen | None = None,
    exam_of: dict[str, str] | None = None,
) -> NewBank:
    dated = frame if "completed_at" in frame else frame.assign(completed_at=pd.Timestamp(NOW) - pd.Timedelta(days=1))
    return new_bank(
        counted([answer_tables.table(dated)], exam_of or {}), chosen or Chosen(), Fitting(model, quiet),
        in_force.made if in_force else None, NOW, all_items=all_items,
    )  # fmt: skip
