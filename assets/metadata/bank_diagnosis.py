"""A calibration's diagnosis in words and tables: what Dagster shows of it, and what is stored with the bank.

Every row says what was seen and what to do about it; nothing is done by itself.
"""

from collections.abc import Mapping

import dagster as dg
import numpy as np
from scipy.special import ndtr

from assets.calibration.diagnosis import Diagnosis
from assets.calibration.item_bank import NewBank
from assets.metadata.tables import table
from resources.irt.fit import expected_se
from resources.model import STANDARD_NORMAL

_REVIEW = "look at its key and its wording; retire it if it stays"
_ONE_OF_TWO = "one of them tells nothing new: ask one, or score them as one question"
_FOR_BOTH = "have it reviewed by people of both groups"
_WIDE_SE = 0.4  # reliability .84 among learners of SD 1: where the whole bank gives less, items are missing


def shown(new: NewBank, of: Diagnosis) -> dict[str, dg.MetadataValue]:
    stored = as_stored(new, of)
    found = {name: rows for name, rows in stored.items() if isinstance(rows, list)}
    return {
        "items that misfit (5 % of these by chance)": dg.MetadataValue.int(len(found["misfits"])),
        "misfits": table([row | {"what to do": _REVIEW} for row in found["misfits"]]),
        "dependent pairs of items": dg.MetadataValue.int(len(found["dependent"])),
        "dependent": table([row | {"what to do": _ONE_OF_TWO} for row in found["dependent"]]),
        "one dimension?": dg.MetadataValue.text(_dimensions(of)),
        "items that work otherwise in a group (DIF, class C)": dg.MetadataValue.int(
            sum(row["ETS class"] == "C" for row in found["dif"])
        ),
        "dif": table([row | {"what to do": _FOR_BOTH} for row in found["dif"]]),
        "learners and items": table(_wright(new)),
        "most exposed item": dg.MetadataValue.text(_exposed(new)),
        "oldest parameters": dg.MetadataValue.text(f"{min(new.made.fitted_at):%Y-%m-%d}"),
    }


def as_stored(new: NewBank, of: Diagnosis) -> dict[str, object]:
    """JSON: each item's fit by its key, and rows of misfits, dependent pairs, and items of DIF class B and C."""
    keys, fit = new.fitted.sample.item_keys, of.fit
    by_item = {
        key: {
            "n": int(fit.n[j]), "rmsd": _number(fit.rmsd[j]), "p": _number(fit.p[j]),
            "adjusted": _number(fit.adjusted[j]), "infit": _number(fit.infit[j]), "infit z": _number(fit.infit_z[j]),
            "outfit": _number(fit.outfit[j]), "outfit z": _number(fit.outfit_z[j]), "verdict": fit.verdict[j],
        }
        for j, key in enumerate(keys)
    }  # fmt: skip
    misfits = sorted(
        ({"item": key, **of_item} for key, of_item in by_item.items() if of_item["verdict"] == "misfit"),
        key=lambda row: -float(str(row["rmsd"])),
    )
    dependent = [
        {"items": f"{keys[pair.first]}, {keys[pair.second]}", "learners": pair.n, "Q3": round(pair.q3, 3)}
        for pair in (of.dependence.pairs if of.dependence else ())
    ]
    return {
        "fit": by_item, "misfits": misfits, "dependent": dependent, "dif": _dif_rows(keys, of),
        "dimensions": _dimensions(of),
    }  # fmt: skip


def _dif_rows(keys: tuple[str, ...], of: Diagnosis) -> list[dict[str, object]]:
    """Of classes B and C, C first, the largest first."""
    rows: list[dict[str, object]] = [
        {
            "item": keys[j],
            "group": f"{focal} against {of.reference}",
            "ETS class": found.ets[j],
            "MH D-DIF": round(float(found.d[j]), 2),
            "b is higher by": round(float(found.b_shift[j]), 2),
            "p, corrected": _number(found.adjusted[j]),
        }
        for focal, found in of.dif.items()
        for j in range(len(keys))
        if found.ets[j] in ("B", "C")
    ]
    return sorted(rows, key=lambda row: (row["ETS class"] != "C", -abs(float(str(row["MH D-DIF"])))))


def _dimensions(of: Diagnosis) -> str:
    if of.dimensions is None:
        return "not looked at: too many items"
    largest, ratio = of.dimensions.reference.max(), of.dimensions.first / of.dimensions.second
    told = (
        f"largest residual eigenvalue {of.dimensions.first:.2f}, {ratio:.2f} times the second; of "
        f"{of.dimensions.reference.size} simulations of one dimension at most {largest:.2f}"
    )
    if of.dimensions.several or (of.topics and of.topics.several):
        by_topic = f"; within topics residuals correlate by {of.topics.within:.3f}" if of.topics else ""
        return f"NO: {told}{by_topic}. One ability does not tell all: calibrate the topics or exams apart (--exam)"
    return f"yes: {told}"


def _wright(new: NewBank) -> list[Mapping[str, object]]:
    """Where learners and items are, a logit at a time, and how well the whole bank measures there."""
    found, link, bank = new.fitted.found, new.link, new.made.bank
    mean, sd = link.slope * found.group_mean + link.intercept, link.slope * found.group_sd
    share = found.n_users / found.n_users.sum()
    edges = np.arange(-4.0, 5.0)
    below = (share[:, None] * ndtr((edges - mean[:, None]) / sd[:, None])).sum(axis=0)
    se = expected_se(bank.items, edges[:-1] + 0.5, STANDARD_NORMAL.sd)
    return [
        {
            "theta": f"{low:g} to {low + 1:g}",
            "learners, %": round(100 * float(below[k + 1] - below[k]), 1),
            "items": int(((bank.b >= low) & (bank.b < low + 1)).sum()),
            "SE of all items": round(float(se[k]), 3),
            "gap": "more items are needed here" if se[k] > _WIDE_SE and below[k + 1] - below[k] > 0.02 else "",
        }
        for k, low in enumerate(edges[:-1])
    ]


def _exposed(new: NewBank) -> str:
    n, sample = new.fitted.found.n_answers, new.fitted.sample
    j = int(n.argmax())
    return f"{sample.item_keys[j]}: seen by {100 * n[j] / sample.learners:.0f} % of the learners"


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return float(f"{value:.4g}") if np.isfinite(value) else None
