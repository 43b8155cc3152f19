"""Asset `item_parameters`: a new calibration of all items, on the scale of the bank in force.

It comes into force by itself only where there is no bank yet; otherwise by `seedtest adopt`, after a look at it.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from assets.abilities.scoring import ScoringRules
from assets.calibration.item_bank import Linking, NewBank, new_bank
from assets.failures import in_words
from assets.metadata_charts import old_against_new
from resources.answers.answers import Answers
from resources.answers.blanks import Counts, Omitted, scored
from resources.database.engine import transaction
from resources.database.queries import attempts, item_banks
from resources.database.queries.item_banks import BankChoice
from resources.errors import NoItemBank
from resources.irt.calibration.linking import UNSTABLE
from resources.irt.eap import eap
from resources.irt.fit import INFIT, empirical_reliability, expected_se, item_residuals, marginal_reliability
from resources.model import STANDARD_NORMAL, Floats, ItemBank, Model
from resources.progress import Progress

_NAMED = 20  # items that a table shows; the counts are always whole


def build(model: Model, bank_version: str | None, charts: Path) -> dg.AssetsDefinition:
    """`bank_version` pins the bank to link to, None takes the one in force."""

    @dg.asset(
        pool="database",
        kinds={"postgres"},
        description="Discrimination, difficulty and guessing of every item, from all first attempts (MML-EM).",
    )
    @in_words
    def item_parameters(
        engine: dg.ResourceParam[sa.Engine],
        rules: dg.ResourceParam[ScoringRules],
        progress: dg.ResourceParam[Progress],
    ) -> dg.MaterializeResult[None]:
        with transaction(engine) as connection:
            table = attempts.ever(connection)
            before = _in_force(connection, BankChoice(bank_version, model))
        now = dt.datetime.now(dt.UTC)
        answers = scored(Answers.from_table(table), rules.omitted)
        new = new_bank(answers, model, before, now, progress)
        with transaction(engine) as connection:
            n_answers = new.calibration.n_answers[new.kept]
            item_banks.save(connection, new.bank, _fit(new, now, rules.omitted), _standard_errors(new), n_answers)
            if before is None:
                item_banks.adopt(connection, new.bank.version, now)
        return dg.MaterializeResult(
            metadata=_summary(new) | _blanks(table, rules.omitted) | _fit_of_items(new) | _renewal(new, charts)
        )

    return item_parameters


def _in_force(connection: sa.Connection, choice: BankChoice) -> ItemBank | None:
    """None before the first bank.

    Raises:
        NoItemBank: the pinned bank is not there; a bank on a scale of its own must not come into force for that.
    """
    try:
        return item_banks.load_chosen(connection, choice)
    except NoItemBank:
        if choice.version is not None:
            raise
        return None


def _standard_errors(new: NewBank) -> dict[str, Floats]:
    """On the bank's scale, to first order: the linking constants count as known."""
    slope = new.linking.link.slope if new.linking else 1.0
    se = new.calibration.se
    return {"a": se.a[new.kept] / slope, "b": se.b[new.kept] * slope, "c": se.c[new.kept]}


def _fit(new: NewBank, now: dt.datetime, omitted: Omitted) -> item_banks.Fit:
    found, linking = new.calibration, new.linking
    return item_banks.Fit(
        converged=found.converged,
        cycles=found.cycles,
        log_likelihood=found.log_likelihood,
        n_users=new.answers.n_users,
        n_responses=int(found.n_answers.sum()),
        fitted_at=now,
        details={
            "log_prior": found.log_prior,
            "omitted": omitted,
            "group": {"mean": found.group_mean, "sd": found.group_sd},
            "left_out": dict(new.left_out),
            "linked": {
                "to": linking.to,
                "method": "Stocking-Lord",
                "A": linking.link.slope,
                "B": linking.link.intercept,
                "common items": len(linking.anchors),
                "anchors": int(linking.used.sum()),
                "moved": [key for key, ok in zip(linking.anchors, linking.drift.stable, strict=True) if not ok],
            }
            if linking
            else None,
        },
    )


def _summary(new: NewBank) -> dict[str, dg.MetadataValue]:
    found = new.calibration
    return {
        "dagster/row_count": dg.MetadataValue.int(len(new.bank.item_keys)),
        "version": dg.MetadataValue.text(new.bank.version),
        "in force": dg.MetadataValue.text(
            f"no: {new.linking.to} is. To change that: seedtest adopt {new.bank.version}"
            if new.linking and new.linking.to != new.bank.version
            else "yes"
        ),
        "learners": dg.MetadataValue.int(new.answers.n_users),
        "first attempts": dg.MetadataValue.int(int(found.n_answers.sum())),
        "cycles": dg.MetadataValue.int(found.cycles),
        "log-likelihood": dg.MetadataValue.float(round(found.log_likelihood, 3)),
        "items left out": dg.MetadataValue.int(len(new.left_out)),
        "left out": _table(["item", "reason"], new.left_out),
    }


def _blanks(table: pa.Table, rule: Omitted) -> dict[str, dg.MetadataValue]:
    named = {name: dg.MetadataValue.int(n) for name, n in Counts.of(table).by_name().items()}
    return {**named, "an omitted question counts as": dg.MetadataValue.text(rule)}


def _fit_of_items(new: NewBank) -> dict[str, dg.MetadataValue]:
    """How the calibrated items fit the very answers they come from, and how well they measure."""
    found = new.calibration
    ability = eap(new.answers, found.items, found.group_mean, found.group_sd)
    infit = item_residuals(new.answers, found.items, ability.mean).infit[new.kept]
    misfits = [
        (key, f"{value:.2f}") for key, value in zip(new.bank.item_keys, infit, strict=True)
        if not INFIT[0] <= value <= INFIT[1]
    ]  # fmt: skip
    marginal = marginal_reliability(found.items.at(np.flatnonzero(new.kept)), found.group_mean, found.group_sd)
    abilities = np.arange(-3.0, 4.0)
    told = expected_se(new.bank.items, abilities, STANDARD_NORMAL.sd)
    precision = [(f"{theta:g}", f"{se:.3f}") for theta, se in zip(abilities, told, strict=True)]
    return {
        "reliability, empirical": dg.MetadataValue.float(round(empirical_reliability(ability.mean, ability.sd), 3)),
        "reliability, marginal, of the whole bank": dg.MetadataValue.float(round(marginal, 3)),
        "precision of the whole bank": _table(["theta", "standard error"], precision),
        f"items with infit outside {INFIT[0]} to {INFIT[1]}": dg.MetadataValue.int(len(misfits)),
        "misfits": _table(["item", "infit"], misfits),
    }


def _renewal(new: NewBank, charts: Path) -> dict[str, dg.MetadataValue]:
    """Old against new: nothing for a first bank."""
    if new.linking is None:
        return {}
    linking: Linking = new.linking
    farthest = np.argsort(-np.fmax(np.abs(linking.drift.z_a), np.abs(linking.drift.z_b)))
    moved = [
        (linking.anchors[j], f"{linking.drift.z_a[j]:.2f}", f"{linking.drift.z_b[j]:.2f}")
        for j in farthest
        if not linking.drift.stable[j]
    ]
    return {
        "linked to": dg.MetadataValue.text(
            f"{linking.to}, by Stocking-Lord over {linking.used.sum()} of {len(linking.anchors)} common items"
        ),
        "A": dg.MetadataValue.float(round(linking.link.slope, 5)),
        "B": dg.MetadataValue.float(round(linking.link.intercept, 5)),
        f"common items that moved (robust z beyond {UNSTABLE})": dg.MetadataValue.int(len(moved)),
        "moved": _table(["item", "robust z of log a", "robust z of b"], moved),
        "old against new": dg.MetadataValue.md(old_against_new(charts, linking)),
    }


def _table(columns: list[str], rows: Sequence[tuple[str, ...]]) -> dg.MetadataValue:
    shown = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows[:_NAMED]]
    return dg.MetadataValue.table(shown, dg.TableSchema([dg.TableColumn(name) for name in columns]))
