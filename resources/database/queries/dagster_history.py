"""Dagster's own tables without Dagster, whose import takes seconds: does its daemon live, what failed, and what is old.

Dagster knows which partitions are made from the newest event of each, and from nothing else: those events stay.
"""

import datetime as dt
import json
from dataclasses import dataclass

import sqlalchemy as sa

SCHEMA = "dagster"

# A failure is settled where a later run of the same partitions, or a retry or re-execution of it, succeeded. What a
# person waited for at a command, they were told there.
_FAILED = f"""
    WITH recent AS (
        SELECT run_id, status, update_timestamp,
            coalesce(max(value) FILTER (WHERE key = 'dagster/root_run_id'), run_id) AS root,
            string_agg(key || '=' || value, ' ' ORDER BY key) FILTER (WHERE key IN (
                'dagster/partition', 'dagster/asset_partition_range_start', 'dagster/asset_partition_range_end'
            )) AS partitions,
            coalesce(bool_or(key = 'seedtest/attended'), false) AS attended
        FROM {SCHEMA}.runs LEFT JOIN {SCHEMA}.run_tags USING (run_id)
        WHERE update_timestamp > %(since)s
        GROUP BY run_id, status, update_timestamp
    )
    SELECT run_id, update_timestamp FROM recent AS failed
    WHERE status = 'FAILURE' AND NOT attended AND NOT EXISTS (
        SELECT FROM recent AS later
        WHERE later.status IN ('SUCCESS', 'QUEUED', 'NOT_STARTED', 'STARTING', 'STARTED')
            AND later.run_id <> failed.run_id
            AND (later.root = failed.root
                OR later.partitions = failed.partitions AND later.update_timestamp > failed.update_timestamp)
    )
    ORDER BY update_timestamp DESC
"""  # noqa: S608 - the schema is a constant

_OLD = f"""
    SELECT max(id) FROM (
        SELECT id, timestamp FROM {SCHEMA}.event_logs WHERE id > %(after)s ORDER BY id LIMIT %(limit)s
    ) AS next WHERE timestamp < %(before)s
"""  # noqa: S608 - as above
_PRUNE_EVENTS = f"""
    WITH pruned AS (
        DELETE FROM {SCHEMA}.event_logs AS event
        WHERE id > %(after)s AND id <= %(last)s AND NOT (
            dagster_event_type IN ('ASSET_MATERIALIZATION', 'ASSET_OBSERVATION')
            AND NOT EXISTS (
                SELECT FROM {SCHEMA}.event_logs AS newer
                WHERE newer.asset_key = event.asset_key AND newer.dagster_event_type = event.dagster_event_type
                    AND newer.partition = event.partition AND newer.id > event.id
            )
            AND NOT (event.partition IS NULL AND EXISTS (
                SELECT FROM {SCHEMA}.event_logs AS newer
                WHERE newer.asset_key = event.asset_key AND newer.dagster_event_type = event.dagster_event_type
                    AND newer.partition IS NULL AND newer.id > event.id
            ))
        )
        RETURNING id
    ), tags AS (
        DELETE FROM {SCHEMA}.asset_event_tags WHERE event_id IN (SELECT id FROM pruned)
    )
    SELECT count(*) FROM pruned
"""  # noqa: S608 - as above
_PRUNE_CHECKS = f"""
    DELETE FROM {SCHEMA}.asset_check_executions AS old
    WHERE create_timestamp < %(before)s AND EXISTS (
        SELECT FROM {SCHEMA}.asset_check_executions AS newer
        WHERE newer.asset_key = old.asset_key AND newer.check_name = old.check_name
            AND newer.partition IS NOT DISTINCT FROM old.partition AND newer.id > old.id
    )
"""  # noqa: S608 - as above
_NAMED = f"""
    SELECT
        (SELECT count(*) FROM {SCHEMA}.event_logs WHERE starts_with(partition, %(partition)s)),
        (SELECT count(*) FROM {SCHEMA}.runs WHERE strpos(run_body, %(quoted)s) > 0 OR EXISTS (
            SELECT FROM {SCHEMA}.run_tags
            WHERE run_tags.run_id = runs.run_id AND starts_with(run_tags.value, %(partition)s)
        ))
"""  # noqa: S608 - as above
_FORGET = f"""
    WITH gone AS (
        DELETE FROM {SCHEMA}.event_logs WHERE starts_with(partition, %(partition)s) RETURNING id
    ), tags AS (
        DELETE FROM {SCHEMA}.asset_event_tags WHERE event_id IN (SELECT id FROM gone)
    ), checks AS (
        DELETE FROM {SCHEMA}.asset_check_executions WHERE starts_with(partition, %(partition)s)
    )
    SELECT count(*) FROM gone
"""  # noqa: S608 - as above
_RUNS_WITHOUT_EVENTS = f"""
    SELECT run_id FROM {SCHEMA}.runs
    WHERE status IN ('SUCCESS', 'FAILURE', 'CANCELED') AND update_timestamp < %(before)s
        AND NOT EXISTS (SELECT FROM {SCHEMA}.event_logs WHERE event_logs.run_id = runs.run_id)
    ORDER BY id LIMIT %(limit)s
"""  # noqa: S608 - as above


@dataclass(frozen=True)
class FailedRun:
    run_id: str
    at: dt.datetime
    """UTC."""


def exists(connection: sa.Connection) -> bool:
    """Whether Dagster has ever used this database."""
    query = sa.text("SELECT to_regclass(:table) IS NOT NULL")
    return bool(connection.execute(query, {"table": f"{SCHEMA}.daemon_heartbeats"}).scalar_one())


def heartbeats(connection: sa.Connection) -> dict[str, dt.datetime]:
    """When each part of the daemon gave its last sign of life (UTC), by the part's name."""
    rows = connection.execute(sa.text(f"SELECT daemon_type, timestamp FROM {SCHEMA}.daemon_heartbeats"))  # noqa: S608 - as above
    return {name: at.replace(tzinfo=dt.UTC) for name, at in rows}


def failed_runs(connection: sa.Connection, since: dt.datetime) -> list[FailedRun]:
    """Runs that failed since then (UTC) and that nothing later made good or is making good now; newest first."""
    rows = connection.exec_driver_sql(_FAILED, {"since": _naive(since)})
    return [FailedRun(row.run_id, row.update_timestamp.replace(tzinfo=dt.UTC)) for row in rows]


def naming(connection: sa.Connection, user_id: str, user_key: str) -> tuple[int, int]:
    """How many events are of this user's own partitions, and how many runs name him or them."""
    if not exists(connection):
        return 0, 0
    values = {"partition": f"{user_key}|", "quoted": json.dumps(user_id)}
    events, runs = connection.exec_driver_sql(_NAMED, values).one()
    return events, runs


def forget_partitions(connection: sa.Connection, user_key: str) -> None:
    """No event and no check is of this user's own partitions, not even the newest."""
    if exists(connection):
        connection.exec_driver_sql(_FORGET, {"partition": f"{user_key}|"})


def prune_events(connection: sa.Connection, after: int, before: dt.datetime, limit: int) -> tuple[int | None, int]:
    """Take those of the next `limit` events after the one numbered `after` away that are older than `before` (UTC) and
    not the newest of their asset and partition. Returns the number of the last one looked at, None where there is no
    older one, and how many were taken away."""
    values = {"after": after, "before": _naive(before), "limit": limit}
    last = connection.exec_driver_sql(_OLD, values).scalar_one()
    if last is None:
        return None, 0
    return last, connection.exec_driver_sql(_PRUNE_EVENTS, {"after": after, "last": last}).scalar_one()


def prune_checks(connection: sa.Connection, before: dt.datetime) -> int:
    """Take results of checks away that are older than that (UTC) and not the newest; returns how many."""
    return connection.exec_driver_sql(_PRUNE_CHECKS, {"before": _naive(before)}).rowcount


def runs_without_events(connection: sa.Connection, before: dt.datetime, limit: int) -> list[str]:
    """Ids of up to `limit` runs that ended before then (UTC) and of whose log nothing is left, oldest first."""
    rows = connection.exec_driver_sql(_RUNS_WITHOUT_EVENTS, {"before": _naive(before), "limit": limit})
    return [row.run_id for row in rows]


def _naive(instant: dt.datetime) -> dt.datetime:
    """As Dagster stores it: UTC, without saying so."""
    return instant.astimezone(dt.UTC).replace(tzinfo=None)
