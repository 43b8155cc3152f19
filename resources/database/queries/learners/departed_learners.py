"""Learners who have results here and no session on the platform any more: since when, and what goes with them.

The caller's transaction is the one in force.
"""

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from resources.database.schema.tables import (
    answered_items,
    departed_learners,
    ingested_sessions,
    learner_goals,
    learner_groups,
    mirt_ability,
    report_artifacts,
    report_editions,
    theta_estimates,
)

# The steps of an index from one user to the next: rows grow with the weeks, and these do not. Abilities and reports
# without `as_of` or `sha256` are a predecessor's, and none of ours to take away.
_WITH_RESULTS = """
    WITH RECURSIVE answered AS (
        (SELECT user_id FROM answered_items ORDER BY user_id LIMIT 1)
        UNION ALL
        SELECT (SELECT next.user_id FROM answered_items next WHERE next.user_id > answered.user_id
                ORDER BY next.user_id LIMIT 1)
        FROM answered WHERE answered.user_id IS NOT NULL
    )
    SELECT user_id FROM answered WHERE user_id IS NOT NULL
    UNION SELECT user_id FROM seedtest_mirt_ability WHERE as_of IS NOT NULL
"""

# What is ours of each table that has learners. In `ingested_sessions` old answers stand.
_OURS: dict[sa.Table, sa.ColumnElement[bool]] = {
    mirt_ability: mirt_ability.c.as_of.is_not(None),
    report_artifacts: report_artifacts.c.sha256.is_not(None),
    **dict.fromkeys((report_editions, ingested_sessions, learner_groups, answered_items), sa.true()),
    **dict.fromkeys((learner_goals, theta_estimates, departed_learners), sa.true()),
}


def with_results(connection: sa.Connection) -> list[str]:
    """Everyone of whom this pipeline keeps answers or an ability, in order."""
    return sorted(connection.exec_driver_sql(_WITH_RESULTS).scalars())


def noticed(connection: sa.Connection) -> dict[str, dt.datetime]:
    """Since when each is known to be missing."""
    return {row.user_id: row.noticed_at for row in connection.execute(sa.select(departed_learners))}


def notice(connection: sa.Connection, user_ids: Sequence[str], at: dt.datetime) -> None:
    """They are missing since `at`, or since an earlier time that is kept."""
    connection.exec_driver_sql(
        "INSERT INTO departed_learners (user_id, noticed_at) "
        "SELECT user_id, %(at)s FROM unnest(%(user_ids)s::text[]) AS missing (user_id) "
        'ORDER BY user_id COLLATE "C" ON CONFLICT (user_id) DO NOTHING',
        {"at": at, "user_ids": list(user_ids)},
    )


def forget_notices(connection: sa.Connection, user_ids: Sequence[str]) -> None:
    """They are back."""
    connection.execute(sa.delete(departed_learners).where(_are(departed_learners, user_ids)))


def remove(connection: sa.Connection, user_ids: Sequence[str]) -> int:
    """Their estimates, current abilities, answered items, reports' rows, groups and what files wrote of them are gone;
    returns how many estimates."""
    removed = {
        table.name: connection.execute(sa.delete(table).where(_are(table, user_ids), ours)).rowcount
        for table, ours in _OURS.items()
    }
    return removed[theta_estimates.name]


def rows(connection: sa.Connection, user_id: str) -> dict[str, int]:
    """How many rows of the learner `remove` would take out of each table that has any."""
    counts = {
        table.name: connection.execute(
            sa.select(sa.func.count()).select_from(table).where(table.c.user_id == user_id, ours)
        ).scalar_one()
        for table, ours in _OURS.items()
    }
    return {name: n for name, n in counts.items() if n}


def left(connection: sa.Connection, user_id: str) -> tuple[int, int]:
    """Rows of the learner that are none of ours: the platform's in exam_results, and what a predecessor wrote."""
    sessions = connection.exec_driver_sql(
        "SELECT count(*) FROM exam_results WHERE user_id::text = %(user_id)s", {"user_id": user_id}
    ).scalar_one()
    predecessors = sum(
        connection.execute(
            sa.select(sa.func.count()).select_from(table).where(table.c.user_id == user_id, sa.not_(ours))
        ).scalar_one()
        for table, ours in _OURS.items()
    )
    return sessions, predecessors


def _are(table: sa.Table, user_ids: Sequence[str]) -> sa.ColumnElement[bool]:
    return table.c.user_id == sa.any_(sa.literal(list(user_ids), sa.ARRAY(sa.Text)))
