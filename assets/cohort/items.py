"""Tables of a bank's items: how they fit the week's answers, and which moved between two calibrations. Pure."""

import numpy as np
import pandas as pd

from resources.database.queries.items.item_banks import Fit
from resources.irt.calibration.screening import MIN_ANSWERS
from resources.irt.fit import Residuals
from resources.irt.response_functions import information
from resources.model import Floats, Ints, ItemBank, ItemCatalogue

# Beyond 3 standard errors lies one item in 370 where the model holds: among 300 items one is seen by chance.
FAR = 3.0
NOTABLE = 0.03  # of the share right: a shift of b by .15 for an item of a = 1
NOTABLE_INFIT = 0.05
MAP_BIN, MAP_END = 0.25, 4.5  # logits


def item_fit(residuals: Residuals, bank: ItemBank) -> pd.DataFrame:
    """Each item of the bank: item, a, b, n answers, right and expected (shares), z, infit and its z, outfit, verdict.

    The verdict is `few` below MIN_ANSWERS, `misfit` where z or infit's goes beyond FAR and the difference would matter
    (NOTABLE, NOTABLE_INFIT), else `fits`.
    """
    with np.errstate(invalid="ignore"):  # 0 / 0: no answers
        right, expected = residuals.right / residuals.n, residuals.expected / residuals.n
        surplus = np.abs(z := residuals.z) > FAR, np.abs(right - expected) > NOTABLE
        noisy = np.abs(infit_z := residuals.infit_z) > FAR, np.abs((infit := residuals.infit) - 1) > NOTABLE_INFIT
    off = np.logical_and(*surplus) | np.logical_and(*noisy)
    verdict = np.where(residuals.n < MIN_ANSWERS, "few", np.where(off, "misfit", "fits"))
    return pd.DataFrame({
        "item": bank.item_keys, "a": bank.a, "b": bank.b, "n": residuals.n.astype(np.int64), "right": right,
        "expected": expected, "z": z, "infit": infit, "infit_z": infit_z, "outfit": residuals.outfit,
        "verdict": verdict,
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


def diagnosis(fit: Fit | None) -> pd.DataFrame:
    """What the calibration found of its items, as it was stored: finding, item or items, size, and what to do."""
    stored = fit.details.get("diagnosis") if fit else None
    of = stored if isinstance(stored, dict) else {}
    rows = [
        *(("misfit", row["item"], f"rmsd {row['rmsd']:.3f}") for row in of.get("misfits", ())),
        *(("dependent", row["items"], f"Q3 {row['Q3']:.2f}") for row in of.get("dependent", ())),
        *(
            (f"DIF, class {row['ETS class']}", row["item"], f"D {row['MH D-DIF']:+.2f}, {row['group']}")
            for row in of.get("dif", ())
        ),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["finding", "item", "size"])


def topics(residuals: Residuals, bank: ItemBank, catalogue: ItemCatalogue) -> pd.DataFrame:
    """A row per topic, by name: topic, items, n answers, right and expected (shares), z of the number right. An item
    without a topic is in none."""
    of_item = [bank.topics.get(key) or catalogue.of(key).topic for key in bank.item_keys]
    sums = pd.DataFrame({
        "topic": of_item, "items": 1, "n": residuals.n, "right": residuals.right, "expected": residuals.expected,
        "variance": residuals.variance,
    }).groupby("topic").sum()  # fmt: skip
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (sums["right"] - sums["expected"]) / np.sqrt(sums["variance"])
        shares = sums[["right", "expected"]].div(sums["n"], axis=0)
    return shares.assign(items=sums["items"], n=sums["n"].astype(np.int64), z=z).reset_index()[
        ["topic", "items", "n", "right", "expected", "z"]
    ]


def wright_map(bank: ItemBank, estimates: pd.DataFrame) -> pd.DataFrame:
    """Learners by theta and items by difficulty in bins of MAP_BIN logits on one axis, with the information of the
    whole bank in the middle of each: low, high (logits; low is inside), learners, items, information. What lies beyond
    MAP_END is in the outermost bins."""
    theta = estimates["theta"].to_numpy(np.float64)
    ends = np.clip(np.concatenate([theta, bank.b]), -MAP_END, MAP_END)
    first, last = (int(np.floor(end / MAP_BIN)) for end in (ends.min(), ends.max()))
    edges = np.arange(first, last + 2) * MAP_BIN

    def counted(values: Floats) -> Ints:
        place = np.clip(np.floor(values / MAP_BIN).astype(np.int64) - first, 0, last - first)
        return np.bincount(place, minlength=edges.size - 1)

    middle = (edges[:-1] + edges[1:]) / 2
    return pd.DataFrame({
        "low": edges[:-1], "high": edges[1:], "learners": counted(theta), "items": counted(bank.b),
        "information": information(bank.items, middle).sum(axis=0),
    })  # fmt: skip
