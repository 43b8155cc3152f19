"""What Dagster shows of a calibration, and what is stored with the bank, as tables."""

from pathlib import Path

import dagster as dg
import numpy as np

from assets.calibration.fitting import ADVISED
from assets.calibration.item_bank import Linking, NewBank
from assets.metadata.charts import old_against_new
from assets.metadata.tables import table
from resources.answers.blanks import Counts, Omitted
from resources.irt.calibration.drift import FALSE_ALARMS
from resources.irt.eap import eap
from resources.irt.fit import empirical_reliability, expected_se, marginal_reliability
from resources.irt.response_functions import Items
from resources.model import STANDARD_NORMAL

_LEAKED = "did it leak? Retire it, or calibrate it anew: seedtest calibrate --all-items"
_HARDER = "is it still the same question? Calibrate it anew: seedtest calibrate --all-items"
_FLAT = 0.3  # a discrimination below which an item that was better is of no use


def of(new: NewBank, charts: Path) -> dict[str, dg.MetadataValue]:
    return _summary(new) | _precision(new) | _renewal(new, charts)


def blanks(of_answers: Counts, rule: Omitted) -> dict[str, dg.MetadataValue]:
    named = {name: dg.MetadataValue.int(n) for name, n in of_answers.by_name().items()}
    return {**named, "an omitted question counts as": dg.MetadataValue.text(rule)}


def groups(new: NewBank) -> list[dict[str, object]]:
    """Ability in each group, on the bank's scale."""
    found, sample = new.fitted.found, new.fitted.sample
    return [
        {
            "group": name,
            "learners x periods": int(n),
            "mean": round(float(new.link.slope * mean + new.link.intercept), 4),
            "sd": round(float(new.link.slope * sd), 4),
        }
        for name, n, mean, sd in zip(sample.groups, found.n_users, found.group_mean, found.group_sd, strict=True)
    ]


def drift(linking: Linking) -> list[dict[str, object]]:
    """The items of both banks, the farthest first."""
    of, order = linking.drift, np.argsort(-linking.drift.area * (1 + linking.drift.moved), kind="stable")
    return [
        {
            "item": linking.anchors[j],
            "moved": bool(of.moved[j]),
            "shift": round(float(of.shift[j]), 4),
            "area": round(float(of.area[j]), 4),
            "z": round(float(of.z[j]), 2),
            "p": float(f"{of.p[j]:.3g}"),
            **_curve(linking.before, j, " before"),
            **_curve(linking.after, j, ""),
        }
        for j in order.tolist()
    ]


def _curve(items: Items, j: int, when: str) -> dict[str, float]:
    return {f"{name}{when}": round(float(of[j]), 4) for name, of in (("a", items.a), ("b", items.b), ("c", items.c))}


def _summary(new: NewBank) -> dict[str, dg.MetadataValue]:
    found, sample, bank = new.fitted.found, new.fitted.sample, new.made.bank
    return {
        "dagster/row_count": dg.MetadataValue.int(len(bank.item_keys) if new.to_save else 0),
        "version": dg.MetadataValue.text(bank.version if new.to_save else "none: there is no new item"),
        "in force": dg.MetadataValue.text(
            "yes"
            if new.linking is None or new.linking.to == bank.version
            else f"no: {new.linking.to} is. To change that: seedtest adopt {bank.version}"
            if new.to_save
            else f"as before: {new.linking.to}"
        ),
        "new items": dg.MetadataValue.int(len(new.new_items)),
        "learners": dg.MetadataValue.int(sample.learners),
        **_warning(new),
        "first attempts": dg.MetadataValue.int(int(found.n_answers.sum())),
        "last answer": dg.MetadataValue.text(f"{sample.until:%Y-%m-%d %H:%M} UTC"),
        "cycles": dg.MetadataValue.int(found.cycles),
        "log-likelihood": dg.MetadataValue.float(round(found.log_likelihood, 3)),
        "groups": table(groups(new)),
        "items left out": dg.MetadataValue.int(len(new.left_out)),
        "left out": table([{"item": item, "reason": reason} for item, reason in new.left_out]),
    }


def _warning(new: NewBank) -> dict[str, dg.MetadataValue]:
    learners, advised = new.fitted.sample.learners, ADVISED[new.made.bank.model]
    if learners >= advised:
        return {}
    return {"few learners": dg.MetadataValue.text(f"a {new.made.bank.model} bank to rely on takes {advised}")}


def _precision(new: NewBank) -> dict[str, dg.MetadataValue]:
    found, bank = new.fitted.found, new.made.bank
    ability = eap(new.fitted.sample.answers, found.items, *new.fitted.prior)
    answered = np.isfinite(ability.mean)
    mean, sd = found.of_all()
    marginal = marginal_reliability(found.items, mean, sd)
    abilities = np.arange(-3.0, 4.0)
    told = expected_se(bank.items, abilities, STANDARD_NORMAL.sd)
    precision = [
        {"theta": f"{theta:g}", "standard error": f"{se:.3f}"} for theta, se in zip(abilities, told, strict=True)
    ]
    return {
        "reliability, empirical": dg.MetadataValue.float(
            round(empirical_reliability(ability.mean[answered], ability.sd[answered]), 3)
        ),
        "reliability, marginal, of all items": dg.MetadataValue.float(round(marginal, 3)),
        "precision of the whole bank": table(precision),
    }


def _renewal(new: NewBank, charts: Path) -> dict[str, dg.MetadataValue]:
    """Old against new: nothing for a first bank."""
    if new.linking is None:
        return {}
    linking = new.linking
    rows = [row | {"what to do": _to_do(row)} for row in drift(linking) if row["moved"]]
    return {
        "linked to": dg.MetadataValue.text(
            f"{linking.to}, by {linking.drift.used.sum()} of {len(linking.anchors)} items of both"
        ),
        "A": dg.MetadataValue.float(round(linking.link.slope, 5)),
        "B": dg.MetadataValue.float(round(linking.link.intercept, 5)),
        f"items of both that moved (one in {1 / FALSE_ALARMS:.0f} of these by chance)": dg.MetadataValue.int(len(rows)),
        "moved": table(rows),
        "old against new": dg.MetadataValue.md(old_against_new(charts, linking)),
    }


def _to_do(row: dict[str, object]) -> str:
    if float(str(row["a"])) < _FLAT <= float(str(row["a before"])):
        return "it no longer tells learners apart: retire it"
    return _LEAKED if float(str(row["shift"])) > 0 else _HARDER
