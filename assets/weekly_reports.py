"""Asset `weekly_reports`: a readable report per learner and week, published together with its catalogue row.

One learner whose report fails does not stop the others: the good ones are published, the run ends red and names the rest,
and a rerun makes only what is missing or has changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pandas as pd
import sqlalchemy as sa

from assets.partitions import Partitions, Selection, partition_key, selection
from assets.responses import UserSelection
from resources.artifacts.store import ArtifactStore
from resources.database import abilities, artifacts, attempts, banks
from resources.database.engine import transaction
from resources.model import ItemBank, Week, safe_key
from resources.progress import Progress
from resources.reports.compile import Template, compile_template
from resources.reports.fill import render
from resources.reports.view import ReportInput
from resources.warehouse.folder import Warehouse

# Reports per transaction: a killed run loses the rows of at most so many, and a rerun finds their files unchanged.
BATCH = 100
_NAMED = 20


def build(partitions: Partitions, bank_version: str | None, source: Path, cache: Path) -> dg.AssetsDefinition:
    """`source` and `cache` are the template's; `bank_version` pins an item bank, None takes the one in force."""

    @dg.asset(
        deps=["theta_estimates", "report_template"],
        partitions_def=partitions.definition,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="reports",
        kinds={"html"},
        description="A report per learner and week, with its row in report_artifacts.",
    )
    def weekly_reports(
        context: dg.AssetExecutionContext,
        config: UserSelection,
        engine: dg.ResourceParam[sa.Engine],
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[ArtifactStore],
        progress: dg.ResourceParam[Progress],
    ) -> dg.MaterializeResult[None]:
        chosen = selection(context)
        users = attempts.users(engine)
        desk = _Desk(engine, artifacts, compile_template(source, cache), banks.in_force(engine, bank_version))
        for week, keys in chosen.keys.items():
            members = partitions.users.members(users, keys)
            if config.user_ids is not None:
                members = [user for user in members if user in config.user_ids]
            desk.publish(week, members, warehouse.read([week], keys), progress)
        if desk.failed:
            _mark_the_good(context, partitions, chosen, desk)
            raise dg.Failure(_names(desk.failed), metadata=desk.summary(), allow_retries=False)
        return dg.MaterializeResult(metadata=desk.summary())

    return weekly_reports
