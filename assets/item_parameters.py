"""Asset `item_parameters`: a new calibration of all items, in force at once only where no bank is yet."""

import datetime as dt

import dagster as dg
import sqlalchemy as sa

from assets.calibrating import NewBank, new_bank
from resources.database import attempts, banks
from resources.database.engine import transaction
from resources.errors import NoItemBank
from resources.model import Floats, Model
from resources.progress import Progress


class CalibrationConfig(dg.Config):
    """`adopt`: put the new bank in force whatever is in force now."""

    adopt: bool = False


def build(model: Model) -> dg.AssetsDefinition:
    @dg.asset(
        pool="database",
        kinds={"postgres"},
        description="Discrimination, difficulty and guessing of every item, from all first attempts (MML-EM).",
    )
    def item_parameters(
        context: dg.AssetExecutionContext,
        config: CalibrationConfig,
        engine: dg.ResourceParam[sa.Engine],
        progress: dg.ResourceParam[Progress],
    ) -> dg.MaterializeResult[None]:
        with transaction(engine) as connection:
            answers = attempts.first_attempts(connection)
        now = dt.datetime.now(dt.UTC)
        new = new_bank(answers, model, now, progress)
        with transaction(engine) as connection:
            before = _in_force(connection)
            banks.save(connection, new.bank, _fit(new, now), _standard_errors(new), new.calibration.n_answers)
            if config.adopt or before is None:
                banks.adopt(connection, new.bank.version, now)
            after = banks.in_force(connection)
        return dg.MaterializeResult(metadata=_summary(new, after))

    return item_parameters


def _in_force(connection: sa.Connection) -> str | None:
    try:
        return banks.in_force(connection)
    except NoItemBank:
        return None


def _standard_errors(new: NewBank) -> dict[str, Floats]:
    se = new.calibration.se
    return {"a": se.a, "b": se.b, "c": se.c}


def _fit(new: NewBank, now: dt.datetime) -> banks.Fit:
    found = new.calibration
    return banks.Fit(
        converged=found.converged,
        cycles=found.cycles,
        log_likelihood=found.log_likelihood,
        n_users=new.n_users,
        n_responses=int(found.n_answers.sum()),
        fitted_at=now,
        details={
            "log_prior": found.log_prior,
            "group": {"mean": found.group_mean, "sd": found.group_sd},
            "left_out": {item.item_key: item.reason for item in new.left_out},
        },
    )


def _summary(new: NewBank, in_force: str) -> dict[str, dg.MetadataValue]:
    found = new.calibration
    remedy = "" if in_force == new.bank.version else "; to put the new one in force: seedtest calibrate --adopt"
    return {
        "dagster/row_count": dg.MetadataValue.int(len(new.bank.item_keys)),
        "version": dg.MetadataValue.text(new.bank.version),
        "in force": dg.MetadataValue.text(f"{in_force}{remedy}"),
        "learners": dg.MetadataValue.int(new.n_users),
        "first attempts": dg.MetadataValue.int(int(found.n_answers.sum())),
        "cycles": dg.MetadataValue.int(found.cycles),
        "log-likelihood": dg.MetadataValue.float(round(found.log_likelihood, 3)),
        "left out": dg.MetadataValue.text("; ".join(f"{i.item_key}: {i.reason}" for i in new.left_out) or "none"),
    }
