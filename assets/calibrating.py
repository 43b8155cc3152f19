"""From answers to an item bank: which answers calibrate, which items enter, under which version. Stays out: Dagster."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from resources.errors import FixTheData, NotConverged
from resources.irt.answers import Answers
from resources.irt.calibration import Calibration, calibrate
from resources.irt.curves import Items
from resources.model import ItemBank, Model
from resources.progress import Progress

MAX_CYCLES = 2_000


@dataclass(frozen=True)
class LeftOut:
    """An item that does not enter the bank, and why."""

    item_key: str
    reason: str


@dataclass(frozen=True)
class NewBank:
    """A calibrated bank; `calibration` and the bank have the same items in the same order."""

    bank: ItemBank
    calibration: Calibration
    n_users: int
    left_out: Sequence[LeftOut]


def new_bank(answers: pd.DataFrame, model: Model, fitted_at: dt.datetime, progress: Progress) -> NewBank:
    """The bank of all items that `answers` (user_id, item_key, correct; one attempt per user and item) can calibrate.

    Raises:
        FixTheData: no answer at all, or no item that can be calibrated.
        NotConverged: the bank in force stays as it was.
    """
    answered = answers[answers["correct"].notna()]
    if answered.empty:
        raise FixTheData("There are no answers to calibrate from: run seedtest ingest FILE (or seedtest demo) first.")
    user, user_ids = pd.factorize(answered["user_id"])
    item, item_keys = pd.factorize(answered["item_key"].to_numpy(object), sort=True)
    table = Answers(user, item, answered["correct"].to_numpy(np.int64), len(user_ids), len(item_keys))

    def tell(cycle: int, log_posterior: float, largest_change: float) -> None:
        progress("calibration cycles", cycle, max(cycle + 1, MAX_CYCLES // 10))

    found = calibrate(table, model, max_cycles=MAX_CYCLES, progress=tell)
    if not found.converged:
        raise NotConverged(
            f"The calibration did not converge: after {found.cycles} cycles a parameter still moves by "
            f"{found.largest_change:.1e}. The bank in force stays as it was. Look at items with few answers, or wait for "
            "more answers."
        )
    bank = ItemBank(
        _version(model, fitted_at, found.items, item_keys), model, tuple(item_keys), found.items.a, found.items.b,
        found.items.c,
    )  # fmt: skip
    return NewBank(bank, found, len(user_ids), [])


def _version(model: Model, fitted_at: dt.datetime, items: Items, item_keys: Sequence[str]) -> str:
    """The day and a hash of the content: the same calibration twice on one day is one bank."""
    digest = hashlib.sha256("\0".join(item_keys).encode())
    for parameter in (items.a, items.b, items.c):
        digest.update(parameter.tobytes())
    return f"{model.lower()}-{fitted_at:%Y-%m-%d}-{digest.hexdigest()[:8]}"
