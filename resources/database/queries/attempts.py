"""Reading answers: the platform's exam sessions, taken apart by the view `attempt`.

The view places an answer within its session's time, so a session's own times tell which sessions to take apart.
"""

import datetime as dt
from collections.abc import Sequence
from typing import LiteralString

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from resources.database.copy import copy_out

_COLUMNS: dict[str, pa.DataType] = {
    "user_id": pa.large_string(),
    "item_key": pa.large_string(),
    "correct": pa.bool_(),
    "completed_at": pa.timestamp("us", "UTC"),
    "response_time_ms": pa.int32(),
    "session_id": pa.large_string(),
    "topic_id": pa.large_string(),
    "attempt_no": pa.int32(),
    "hint_used": pa.bool_(),
}
_INSTANT = pa.timestamp("us", "UTC")
# By itself pandas makes objects and floats of columns with missing values.
_NULLABLE = {pa.bool_(): pd.BooleanDtype(), pa.int32(): pd.Int32Dtype()}
# No condition on completed_at: it would compute this column, half of a row's cost, twice more. `between` checks it.
_ANSWERS: LiteralString = """
    SELECT user_id, item_key, correct, completed_at, response_time_ms, session_id, topic_id, attempt_no, hint_used
    FROM attempt
    WHERE (%(user_ids)s::text[] IS NULL OR user_id = ANY(%(user_ids)s))
        AND exam_result_id IN (
            SELECT id::text FROM exam_results
            WHERE (updated_at >= %(start)s OR updated_at IS NULL) AND least(created_at, updated_at) < %(end)s
                AND (%(user_ids)s::text[] IS NULL OR user_id::text = ANY(%(user_ids)s))
        )
"""
# A sum, since it needs no order. Text in "C", or columns of two collations could not be put together.
_MARKS: LiteralString = """
    SELECT user_id::text, sum(hashtextextended(
        concat_ws('|', id, session_id, created_at, updated_at, result_json::text) COLLATE "C", 0
    ))
    FROM exam_results
    WHERE btrim(user_id::text) <> ''
        AND (updated_at >= %(start)s OR updated_at IS NULL) AND least(created_at, updated_at) < %(end)s
        AND (%(user_ids)s::text[] IS NULL OR user_id::text = ANY(%(user_ids)s))
    GROUP BY user_id::text
"""
_EVER = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
_EVER_AFTER = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


def users(connection: sa.Connection) -> list[str]:
    """Everyone who has a session, in order."""
    query = "SELECT DISTINCT user_id::text FROM exam_results WHERE btrim(user_id::text) <> ''"
    return sorted(connection.exec_driver_sql(query).scalars())


def span(connection: sa.Connection) -> tuple[dt.datetime, dt.datetime] | None:
    """When the first session began and the last one ended; None without any."""
    query = "SELECT min(least(created_at, updated_at)), max(coalesce(updated_at, created_at)) FROM exam_results"
    first, last = connection.exec_driver_sql(query).one()
    return None if first is None else (_utc(first), _utc(last))


def between(
    connection: sa.Connection, start: dt.datetime, end: dt.datetime, user_ids: Sequence[str] | None = None
) -> pd.DataFrame:
    """Answers from `start` until before `end`, of all users or of these, by user and time.

    Columns: user_id, item_key, correct (boolean, missing: not answered), completed_at (UTC), response_time_ms (Int32),
    session_id, topic_id, attempt_no (Int32), hint_used (boolean, missing: not recorded).
    """
    table = _read(connection, start, end, user_ids)
    completed_at = table["completed_at"]
    inside = pc.and_(
        pc.greater_equal(completed_at, pa.scalar(start, _INSTANT)),
        pc.less(completed_at, pa.scalar(end, _INSTANT)),
    )
    return _frame(table.filter(inside))


def first_attempts(
    connection: sa.Connection, before: dt.datetime = _EVER_AFTER, user_ids: Sequence[str] | None = None
) -> pd.DataFrame:
    """Each user's first attempt at each item, ever and until before an instant; columns and order as in `between`."""
    return between(connection, _EVER, before, user_ids).drop_duplicates(["user_id", "item_key"], ignore_index=True)


def marks(
    connection: sa.Connection, start: dt.datetime, end: dt.datetime, user_ids: Sequence[str] | None = None
) -> dict[str, int]:
    """A number for each user with sessions in this time: another one as soon as any of these sessions is another.

    Far cheaper than the answers themselves, since no session is taken apart; marks of several users may be added up.
    """
    chosen = None if user_ids is None else list(user_ids)
    rows = connection.exec_driver_sql(_MARKS, {"start": start, "end": end, "user_ids": chosen})
    return {user_id: int(mark) for user_id, mark in rows}


def malformed(
    connection: sa.Connection, start: dt.datetime, end: dt.datetime, user_ids: Sequence[str] | None = None
) -> dict[str, int]:
    """What the view leaves out of the sessions of this time: how many questions or whole sessions, by reason.

    Of all users or of these. A session without any time counts whatever the time, one without a user only among all.
    """
    query = """
        SELECT reason, count(*) AS n FROM attempt_malformed
        WHERE ((latest >= %(start)s AND earliest < %(end)s) OR latest IS NULL)
            AND (%(user_ids)s::text[] IS NULL OR user_id = ANY(%(user_ids)s))
        GROUP BY reason ORDER BY reason
    """
    chosen = None if user_ids is None else list(user_ids)
    rows = connection.exec_driver_sql(query, {"start": start, "end": end, "user_ids": chosen})
    return {row.reason: row.n for row in rows}


def _read(connection: sa.Connection, start: dt.datetime, end: dt.datetime, user_ids: Sequence[str] | None) -> pa.Table:
    """All answers of the sessions that touch this time."""
    chosen = None if user_ids is None else list(user_ids)
    return copy_out(connection, _ANSWERS, pa.schema(_COLUMNS), {"start": start, "end": end, "user_ids": chosen})


def _utc(instant: dt.datetime) -> dt.datetime:
    """A column without a time zone is in UTC, as the view reads it."""
    return instant.replace(tzinfo=instant.tzinfo or dt.UTC).astimezone(dt.UTC)


def _frame(table: pa.Table) -> pd.DataFrame:
    """By user, time, item and attempt: the same rows in the same order whatever plan the database chose."""
    order = ("user_id", "completed_at", "attempt_no", "item_key", "session_id")
    return table.sort_by([(name, "ascending") for name in order]).to_pandas(types_mapper=_NULLABLE.get)
