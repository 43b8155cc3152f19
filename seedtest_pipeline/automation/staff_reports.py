"""The sensors `cohort` and `classes`: last week's reports for staff and teachers, once its estimates are made, and
again once they were renewed.
"""

import datetime as dt
from collections.abc import Callable

import dagster as dg
import sqlalchemy as sa

from assets.class_reports import NO_GROUPS
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities
from resources.database.queries.learners import learner_groups
from resources.model import Week
from resources.reports import cohort_document
from seedtest_pipeline.automation import asking
from seedtest_pipeline.automation.asking import UNFINISHED

INTERVAL_S = 1_800  # late answers renew estimates all day long, and a report takes some ten seconds

_Lacking = Callable[[sa.Engine], str | None]


def cohort_sensor(cohort_reports: dg.AssetsDefinition) -> dg.SensorDefinition:
    def lacking(_: sa.Engine) -> str | None:
        return (why := cohort_document.lacking()) and f"No cohort report is made here. {why}"

    return _sensor("cohort", cohort_reports, lacking, "last week's cohort report")


def classes_sensor(class_reports: dg.AssetsDefinition) -> dg.SensorDefinition:
    def lacking(engine: sa.Engine) -> str | None:
        with transaction(engine) as connection:
            return None if learner_groups.any_told(connection) else NO_GROUPS

    return _sensor("classes", class_reports, lacking, "last week's class reports")


def _sensor(name: str, reports: dg.AssetsDefinition, lacking: _Lacking, made: str) -> dg.SensorDefinition:
    @dg.sensor(
        name=name,
        minimum_interval_seconds=INTERVAL_S,
        target=[reports],
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Makes {made} once no run is under way, and again where estimates were renewed.",
    )
    def sensor(context: dg.SensorEvaluationContext, engine: dg.ResourceParam[sa.Engine]) -> dg.SensorResult:
        now = dt.datetime.now(dt.UTC)
        week = Week.last_complete(now)
        with transaction(engine) as connection:
            renewed_at = abilities.renewed_at(connection, week)
        if renewed_at is None:
            return dg.SensorResult(skip_reason=f"There are no estimates of {week} yet.")
        of_week = dg.AssetRecordsFilter(
            reports.key, asset_partitions=[week.key], after_timestamp=renewed_at.timestamp()
        )  # fmt: skip
        if context.instance.fetch_materializations(of_week, limit=1).records:
            return dg.SensorResult(skip_reason=f"The report of {week} was made since its estimates were.")
        if context.instance.get_runs(UNFINISHED, limit=1):
            return dg.SensorResult(skip_reason="A run is under way, and may be making estimates.")
        if why := lacking(engine):
            return dg.SensorResult(skip_reason=why)
        what = f"{name} {week} {renewed_at:%FT%T.%f}"
        turn = asking.turn(context.instance, what, now)
        if isinstance(turn, str):
            return dg.SensorResult(skip_reason=turn)
        request = dg.RunRequest(
            run_key=asking.run_key(what, turn), partition_key=week.key, tags=asking.request_tags(what)
        )  # fmt: skip
        return dg.SensorResult(run_requests=[request])

    return sensor
