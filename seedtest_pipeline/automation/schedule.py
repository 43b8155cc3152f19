"""What runs by itself: the weekly schedule, and the sensor that gives new users their partition key."""

from collections.abc import Iterator, Sequence

import dagster as dg
import sqlalchemy as sa

from assets.partitions import Partitions, range_tags
from resources.database.engine import transaction
from resources.database.queries import attempts
from resources.model import Week

# Keys per run: a run's start costs seconds, and a failed run is repeated whole.
KEYS_PER_RUN = 500
# Dagster takes at most 25,000 new keys a tick.
NEW_KEYS_PER_TICK = 10_000

UNFINISHED = dg.RunsFilter(
    statuses=[
        dg.DagsterRunStatus.QUEUED,
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
    ]
)


def weekly_schedule(partitions: Partitions, made_weekly: Sequence[dg.AssetsDefinition]) -> dg.ScheduleDefinition:
    """Mondays 06:00 UTC, the week that has just ended, in runs over contiguous ranges of user keys."""

    @dg.schedule(
        name="weekly",
        cron_schedule="0 6 * * 1",
        execution_timezone="UTC",
        target=list(made_weekly),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Responses, abilities and reports of the week that has just ended, for every learner.",
    )
    def weekly(context: dg.ScheduleEvaluationContext) -> dg.SkipReason | list[dg.RunRequest]:
        week = Week.last_complete(context.scheduled_execution_time)
        if week < partitions.first_week:
            return dg.SkipReason(f"{week} is before the first week, {partitions.first_week} (FIRST_WEEK).")
        keys = partitions.user_keys(context.instance)
        if not keys:
            return dg.SkipReason("No users yet: the sensor user_keys adds them once the platform has some.")
        return [
            dg.RunRequest(run_key=f"{week}|{chunk[0]}|{chunk[-1]}", tags=range_tags([week], chunk))
            for chunk in chunks(keys, KEYS_PER_RUN)
        ]

    return weekly


def user_keys_sensor(partitions: Partitions) -> dg.SensorDefinition | None:
    """Adds a key per new user of the platform; None where users are in hash buckets, which never change.

    Keys are never removed: ranges follow the order of insertion, and a week's history stays reachable.
    """
    definition = partitions.user_dimension
    if not isinstance(definition, dg.DynamicPartitionsDefinition):
        return None

    @dg.sensor(
        name="user_keys",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Adds a partition key for each new user of the platform.",
    )
    def user_keys(context: dg.SensorEvaluationContext, engine: dg.ResourceParam[sa.Engine]) -> dg.SensorResult:
        user_ids, new = missing_keys(partitions, context.instance, engine)
        if complaint := partitions.users.outgrown(len(user_ids)):
            context.log.warning(complaint)
        if not new:
            return dg.SensorResult(skip_reason=dg.SkipReason(f"All {len(user_ids):,} users have their key."))
        return dg.SensorResult(dynamic_partitions_requests=[definition.build_add_request(new[:NEW_KEYS_PER_TICK])])

    return user_keys


def missing_keys(
    partitions: Partitions, instance: dg.DagsterInstance, engine: sa.Engine
) -> tuple[list[str], list[str]]:
    """All user ids, and the keys of users who have none yet, both in the order of the ids."""
    with transaction(engine) as connection:
        user_ids = attempts.users(connection)
    known = set(partitions.user_keys(instance))
    return user_ids, [key for key in map(partitions.users.key_of, user_ids) if key not in known]


def chunks(keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (keys[i : i + size] for i in range(0, len(keys), size))
