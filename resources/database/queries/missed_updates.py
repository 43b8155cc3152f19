"""Users whose session has ended and whose current ability does not know of it."""

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from resources.model import Model

_OVERDUE = """
    SELECT user_id, ended_at
    FROM (
        SELECT user_id::text AS user_id, max(coalesce(updated_at, created_at)) AS ended_at
        FROM exam_results
        WHERE (updated_at >= %(after)s OR (updated_at IS NULL AND created_at >= %(after)s))
            AND coalesce(updated_at, created_at) <= %(until)s
            AND btrim(user_id::text) <> ''
        GROUP BY user_id::text
    ) AS sessions
    WHERE (ended_at, user_id COLLATE "C") > (%(after)s, %(after_user)s) AND NOT EXISTS (
        SELECT FROM mirt_ability
        WHERE mirt_ability.user_id = sessions.user_id AND version = %(version)s AND model = %(model)s
            AND as_of > ended_at
    )
    ORDER BY ended_at, user_id COLLATE "C"
    LIMIT %(limit)s
"""


@dataclass(frozen=True, order=True)
class SessionEnd:
    """In the order in which they are dealt with; the end is one instant of many users where sessions were loaded."""

    at: dt.datetime
    user_id: str = ""


def find(
    connection: sa.Connection, after: SessionEnd, until: dt.datetime, version: str, model: Model, limit: int
) -> list[SessionEnd]:
    """The next `limit` users with a session that ended after `after` and up to `until`, and no ability under the bank
    `version` for `model` that is as of later than that; each at the last of these ends."""
    values = {
        "after": after.at,
        "after_user": after.user_id,
        "until": until,
        "version": version,
        "model": model,
        "limit": limit,
    }
    rows = connection.exec_driver_sql(_OVERDUE, values)
    return [SessionEnd(row.ended_at.replace(tzinfo=row.ended_at.tzinfo or dt.UTC), row.user_id) for row in rows]
