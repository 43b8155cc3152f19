"""Answers into exam_results, and frozen from there by the asset, for the tests of what comes of both."""

import datetime as dt

import dagster as dg
import pyarrow as pa
import sqlalchemy as sa

from assets import responses
from assets.abilities.scoring import ScoringRules
from assets.partitions import Partitions, range_tags
from resources.database.engine import transaction
from resources.ingest import load
from resources.ingest.response_file import from_table
from resources.model import Week
from resources.warehouse.warehouse import Warehouse

FIRST = Week.parse("2025-01-06")
KEY = "b000of1"  # where there is but one bucket


def quiet(task: str, done: int, total: int) -> None:
    """Nobody watches."""


def answer(engine: sa.Engine, *answers: tuple[str, str], week: Week = FIRST) -> None:
    """Right answers as (user, item) on the week's Tuesday, each in a session of its own."""
    at = week.begins_at + dt.timedelta(days=1, hours=10)
    rows = [
        {"user_id": user, "session_id": f"{item}-{week}", "item_id": item, "correct": True, "answered_at": at}
        for user, item in answers
    ]
    with transaction(engine) as connection:
        load.ingest(connection, from_table(pa.Table.from_pylist(rows), "answers"), "exam")


def run(
    engine: sa.Engine, warehouse: Warehouse, partitions: Partitions, keys: list[str], *weeks: Week,
    user_ids: list[str] | None = None,
) -> dg.ExecuteInProcessResult:  # fmt: skip
    """The asset over these keys and weeks, by default the first."""
    with dg.DagsterInstance.ephemeral() as instance:
        if not partitions.users.buckets:
            instance.add_dynamic_partitions("user", keys)
        return dg.materialize(
            [responses.build(partitions)],
            instance=instance,
            resources={"engine": engine, "warehouse": warehouse, "rules": ScoringRules(), "progress": quiet},
            run_config={"ops": {"responses": {"config": {"user_ids": user_ids}}}} if user_ids is not None else {},
            tags=range_tags(weeks or [FIRST], keys),
            raise_on_error=False,
        )


def frozen(warehouse: Warehouse, week: Week = FIRST, key: str = KEY) -> list[tuple[str, str]]:
    return [(row["user_id"], row["item_key"]) for row in warehouse.read([week], [key]).to_pylist()]
