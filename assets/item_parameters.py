"""Asset `item_parameters`: a calibration on the scale of the bank in force, of new items or of all.

It comes into force by itself only where there is no bank yet; otherwise by `seedtest adopt`, after a look at it.
"""

import datetime as dt
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from pydantic import Field

from assets.abilities.scoring import ScoringRules
from assets.calibration.counted import counted
from assets.calibration.diagnosis import diagnose
from assets.calibration.fitting import Fitting
from assets.calibration.group_file import read_groups
from assets.calibration.item_bank import Calibrated, NewBank, new_bank
from assets.calibration.sample import Chosen
from assets.failures import in_words
from assets.metadata import bank as bank_metadata
from assets.metadata import bank_diagnosis
from resources.answers.blanks import Omitted
from resources.database.engine import transaction
from resources.database.queries.items import item_banks
from resources.database.queries.items.item_banks import BankChoice
from resources.database.queries.sessions import attempts
from resources.errors import InvalidInput, NoItemBank
from resources.irt.calibration.m_step import ItemPriors
from resources.model import Model
from resources.progress import Progress

EVER = "ever"


class Calibrating(dg.Config):
    """What to calibrate, and from which answers."""

    all_items: bool = False
    """Calibrate all items anew and link them; otherwise those of the bank in force stay as they are."""
    exams: list[str] = Field(default_factory=list)
    """Only answers to these exams; all where empty."""
    since: str = ""
    """Only answers after this day or instant (ISO 8601, UTC), or `ever`; where empty, after those that the bank in
    force was made from."""
    groups_file: str = ""
    """A CSV file of user_id,group: populations of their own; where empty, learners are grouped by exam."""


def build(
    model: Model, bank_version: str | None, charts: Path, priors: ItemPriors | None = None
) -> dg.AssetsDefinition:
    """`priors` as `calibrate` has them. `bank_version` pins the bank to link to, None takes the one in force."""

    @dg.asset(
        deps=["exam_results"],
        pool="database",
        kinds={"postgres"},
        description="Discrimination, difficulty and guessing of items, from first attempts (MML-EM).",
    )
    @in_words
    def item_parameters(
        config: Calibrating,
        engine: dg.ResourceParam[sa.Engine],
        rules: dg.ResourceParam[ScoringRules],
        progress: dg.ResourceParam[Progress],
    ) -> dg.MaterializeResult[None]:
        groups = read_groups(Path(config.groups_file)) if config.groups_file else None
        with transaction(engine) as connection:
            before, until = _in_force(connection, BankChoice(bank_version, model))
            chosen = Chosen(_instant(config.since) if config.since else until, config.exams, groups)
            read = attempts.ever(connection, partial(progress, "learners whose answers were read"))
            answers = counted(read, attempts.exams(connection), rules.omitted)
        now, fitting = dt.datetime.now(dt.UTC), Fitting(model, progress, priors)
        new = new_bank(answers, chosen, fitting, before, now, all_items=config.all_items)
        diagnosis = diagnose(new.fitted, model, priors, new.made.bank.topics)
        if new.to_save:
            with transaction(engine) as connection:
                made = new.made
                item_banks.save(
                    connection,
                    made.bank,
                    _fit(new, now, rules.omitted, bank_diagnosis.as_stored(new, diagnosis)),
                    made.covariance,
                    made.n_answers,
                    made.fitted_at,
                )
                if before is None:
                    item_banks.adopt(connection, made.bank.version, now)
        shown = bank_metadata.of(new, charts) | bank_diagnosis.shown(new, diagnosis)
        shown |= bank_metadata.blanks(answers.blanks, rules.omitted)
        return dg.MaterializeResult(metadata=shown)

    return item_parameters


def _in_force(connection: sa.Connection, choice: BankChoice) -> tuple[Calibrated | None, dt.datetime | None]:
    """The bank in force, and the time of the last answer that it was made from; None before the first bank.

    Raises:
        NoItemBank: the pinned bank is not there; a bank on a scale of its own must not come into force for that.
    """
    try:
        bank = item_banks.load_chosen(connection, choice)
    except NoItemBank:
        if choice.version is not None:
            raise
        return None, None
    fit = item_banks.fit(connection, bank.version)
    until = fit.details.get("until") if fit else None
    return (
        Calibrated(bank, *item_banks.precision(connection, bank)),
        dt.datetime.fromisoformat(until) if isinstance(until, str) else None,
    )


def _instant(since: str) -> dt.datetime | None:
    if since == EVER:
        return None
    try:
        instant = dt.datetime.fromisoformat(since)
    except ValueError as error:
        raise InvalidInput(
            f"{since!r} is no day", where="since", remedy=f"write it as 2025-01-31, or `{EVER}`."
        ) from error
    return instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)


def _fit(new: NewBank, now: dt.datetime, omitted: Omitted, diagnosis: Mapping[str, object]) -> item_banks.Fit:
    found, sample, linking = new.fitted.found, new.fitted.sample, new.linking
    return item_banks.Fit(
        converged=found.converged,
        cycles=found.cycles,
        log_likelihood=found.log_likelihood,
        n_users=sample.learners,
        n_responses=int(found.n_answers.sum()),
        fitted_at=now,
        details={
            "until": sample.until.isoformat(),
            "exams": list(sample.exams),
            "log_prior": found.log_prior,
            "omitted": omitted,
            "groups": bank_metadata.groups(new),
            "left_out": dict(new.left_out),
            "kept_as_they_are": new.kept_as_they_are,
            "linked": {
                "to": linking.to,
                "A": linking.link.slope,
                "B": linking.link.intercept,
                "common items": len(linking.anchors),
                "anchors": int(linking.drift.used.sum()),
            }
            if linking
            else None,
            "drift": bank_metadata.drift(linking) if linking else [],
            "diagnosis": dict(diagnosis),
        },
    )
