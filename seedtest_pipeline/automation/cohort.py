"""The sensor `cohort`: last week's cohort report, once its estimates are made, and again once they were renewed."""

import datetime as dt

import dagster as dg
import sqlalchemy as sa

from resources.database.engine import transaction
from resources.database.queries import abilities
from resources.model import Week
from resources.reports import cohort_document
from seedtest_pipeline.automation.schedule import UNFINISHED

INTERVAL_S = 1_800  # late answers renew estimates all day long, and a report takes some ten seconds


def cohort_sensor(cohort_reports: dg.AssetsDefinition) -> dg.SensorDefinition:
    @dg.sensor(
        name="cohort",
        minimum_interval_seconds=INTERVAL_S,
        target=[cohort_reports],
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Makes last week's cohort report once no run is under way, and again where estimates were renewed.",
    )
    def cohort(context: dg.SensorEvaluationContext, engine: dg.ResourceParam[sa.Engine]) -> dg.SensorResult:
        week = Week.last_complete(dt.datetime.now(dt.UTC))
        with transaction(engine) as connection:
            renewed_at = abilities.renewed_at(connection, week)
        if renewed_at is None:
            return dg.SensorResult(skip_reason=f"There are no estimates of {week} yet.")
        state = f"{week}|{renewed_at.isoformat()}"
        if context.cursor == state:
            return dg.SensorResult(skip_reason=f"The report of {week} was asked for since its estimates were made.")
        if context.instance.get_runs(UNFINISHED, limit=1):
            return dg.SensorResult(skip_reason="A run is under way, and may be making estimates.")
        if lacking := cohort_document.lacking():
            return dg.SensorResult(skip_reason=f"No cohort report is made here. {lacking}")
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=state, partition_key=week.key)], cursor=state)

    return cohort
