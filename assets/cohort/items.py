"""Tables of a bank's items: how they fit the week's answers, and which moved between two calibrations. Pure."""

import numpy as np
import pandas as pd

from resources.database.queries.item_banks import Fit
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


def item_drift(fit: Fit | None) -> pd.DataFrame:
    """The items of both the bank that this one was linked to and the answers it was made from, the farthest first:
    parameters before and now, on one scale, and how they differ (`resources.irt.calibration.drift`). Empty for a first
    bank, and for one whose making is not known."""
    stored = fit.details.get("drift") if fit else None
    columns = ["item", "moved", "shift", "area", "z", "p", "a before", "b before", "a", "b"]
    return pd.DataFrame(stored if isinstance(stored, list) else [], columns=columns).rename(
        columns={"a before": "a_before", "b before": "b_before"}
    )
