"""A look at Dagster's own tables without Dagster, whose import takes seconds: does its daemon live, and what failed."""

import datetime as dt
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
    rows = connection.exec_driver_sql(_FAILED, {"since": since.astimezone(dt.UTC).replace(tzinfo=None)})
    return [FailedRun(row.run_id, row.update_timestamp.replace(tzinfo=dt.UTC)) for row in rows]
