"""The sensor `user_keys`: a partition key for each new user of the platform."""

import dagster as dg
import sqlalchemy as sa

from assets.partitions import Partitions
from resources.database.engine import transaction
from resources.database.queries.sessions import attempts

# Dagster takes at most 25,000 new keys a tick.
NEW_KEYS_PER_TICK = 10_000


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
