"""Tables of a bank's items: how they fit the week's answers, and which moved between two calibrations. Pure."""

import numpy as np
import pandas as pd

from resources.irt.calibration.linking import Link, drift
from resources.irt.calibration.screening import MIN_ANSWERS
from resources.irt.fit import INFIT, Residuals
from resources.model import ItemBank

# Beyond 3 standard errors lies one item in 370 where the model holds: among 300 items one is seen by chance.
FAR = 3.0


def item_fit(residuals: Residuals, bank: ItemBank) -> pd.DataFrame:
    """Each item of the bank: item, a, b, n answers, right and expected (shares), z, infit, outfit and verdict.

    The verdict is `few` below MIN_ANSWERS, `misfit` where infit leaves INFIT or z goes beyond FAR, else `fits`.
    """
    with np.errstate(invalid="ignore"):  # 0 / 0: no answers
        right, expected = residuals.right / residuals.n, residuals.expected / residuals.n
    infit, z = residuals.infit, residuals.z
    off = (infit < INFIT[0]) | (infit > INFIT[1]) | (np.abs(z) > FAR)
    verdict = np.where(residuals.n < MIN_ANSWERS, "few", np.where(off, "misfit", "fits"))
    return pd.DataFrame({
        "item": bank.item_keys, "a": bank.a, "b": bank.b, "n": residuals.n.astype(np.int64), "right": right,
        "expected": expected, "z": z, "infit": infit, "outfit": residuals.outfit, "verdict": verdict,
    })  # fmt: skip


def item_drift(bank: ItemBank, before: ItemBank | None) -> pd.DataFrame:
    """The items that are also in the bank it was linked to, in the order of the newer bank: item, a_before, a,
    b_before, b, robust z of log a and of b, and whether it moved. Empty for a first bank.

    A stored bank is on the scale of the one before, so the map between their abilities is the identity.
    """
    place = {} if before is None else {key: j for j, key in enumerate(before.item_keys)}
    ours = np.array([j for j, key in enumerate(bank.item_keys) if key in place], dtype=np.int64)
    if before is None or ours.size == 0:
        columns = ("item", "a_before", "a", "b_before", "b", "z_a", "z_b", "moved")
        return pd.DataFrame({column: [] for column in columns})
    theirs = np.array([place[bank.item_keys[j]] for j in ours])
    old, new = before.items.at(theirs), bank.items.at(ours)
    found = drift(new, old, Link(1.0, 0.0))
    return pd.DataFrame({
        "item": [bank.item_keys[j] for j in ours], "a_before": old.a, "a": new.a, "b_before": old.b,
        "b": new.b, "z_a": found.z_a, "z_b": found.z_b, "moved": ~found.stable,
    })  # fmt: skip
