"""The sensor `history_retention`: Dagster's history does not grow without end.

Once a day it goes through Dagster's log from its beginning, piece by piece, and takes away what is older than
DAGSTER_KEEP_DAYS: events, results of checks, the runs of which nothing is left, and their standard output. The newest
materialization of each partition stays, and its run: so the UI shows the same partitions as made. A sensor and no job,
whose own runs would be one more thing to take away.
"""

import datetime as dt
import time

import dagster as dg
import sqlalchemy as sa
from pydantic import BaseModel

from resources.database.engine import transaction
from resources.database.queries import dagster_history

# A tick must end within a minute or so: it goes on from there five minutes later.
INTERVAL_S = 300
_WORKING_S = 20.0
_EVENTS_PER_TRANSACTION = 20_000
_RUNS_AT_ONCE = 100
_AGAIN = dt.timedelta(days=1)


class Place(BaseModel):
    """Events up to `event` were looked at in the round under way; `next_round` (UTC) begins at 0 again."""

    event: int = 0
    next_round: dt.datetime | None = None


def history_retention_sensor(keep_days: int) -> dg.SensorDefinition:
    @dg.sensor(
        name="history_retention",
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Takes runs and logs out of Dagster's history after {keep_days} days; made partitions stay made.",
    )
    def history_retention(context: dg.SensorEvaluationContext, engine: dg.ResourceParam[sa.Engine]) -> dg.SensorResult:
        place = Place.model_validate_json(context.cursor) if context.cursor else Place()
        now = dt.datetime.now(dt.UTC)
        if place.next_round is not None and now < place.next_round:
            return dg.SensorResult(skip_reason=f"The next look is at {place.next_round:%F %H:%M} UTC.")
        before, until = now - dt.timedelta(days=keep_days), time.monotonic() + _WORKING_S
        at: int | None = place.event
        n_events = 0
        while at is not None and time.monotonic() < until:
            with transaction(engine) as connection:
                at, pruned = dagster_history.prune_events(connection, place.event, before, _EVENTS_PER_TRANSACTION)
            place, n_events = Place(event=place.event if at is None else at), n_events + pruned
        with transaction(engine) as connection:
            dagster_history.prune_checks(connection, before)
        n_runs = _delete_runs(context.instance, engine, before, until)
        if at is None and time.monotonic() < until:
            place = Place(next_round=now + _AGAIN)
        return dg.SensorResult(
            cursor=place.model_dump_json(),
            skip_reason=f"{n_events:,} events and {n_runs:,} runs from before {before:%F} were taken away.",
        )

    return history_retention


def _delete_runs(instance: dg.DagsterInstance, engine: sa.Engine, before: dt.datetime, until: float) -> int:
    deleted = 0
    while time.monotonic() < until:
        with transaction(engine) as connection:
            run_ids = dagster_history.runs_without_events(connection, before, _RUNS_AT_ONCE)
        if not run_ids:
            break
        for run_id in run_ids:
            instance.delete_run(run_id)
            instance.compute_log_manager.delete_logs(prefix=[run_id])
        deleted += len(run_ids)
    return deleted
