"""Reading answers: the platform's exam sessions, taken apart by the view `attempt`.

The view places an answer within its session's time, so a session's own times tell which sessions to take apart.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any, LiteralString

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from resources.answers.blanks import omitted
from resources.answers.schema import SCHEMA
from resources.database.copy import copy_out
from resources.database.queries.sessions.ignored_learners import OF_A_LEARNER

LEARNERS_AT_ONCE = 10_000  # of 60 answers each some 200 MB
_INSTANT = SCHEMA.field("completed_at").type
_READ = pa.schema([
    *(field for field in SCHEMA if field.name != "omitted"),
    pa.field("question_no", pa.int32()),
    pa.field("exam_result_id", pa.dictionary(pa.int32(), pa.string())),
])  # fmt: skip
# No condition on completed_at: it would compute this column, half of a row's cost, twice more. `between` checks it.
_ANSWERS: LiteralString = f"""
    SELECT user_id, item_key, correct, completed_at, response_time_ms, session_id, topic_id, attempt_no, hint_used,
        question_no, exam_result_id
    FROM attempt
    WHERE (%(user_ids)s::text[] IS NULL OR user_id = ANY(%(user_ids)s))
        AND exam_result_id IN (
            SELECT id::text FROM exam_results
            WHERE (updated_at >= %(start)s OR updated_at IS NULL) AND least(created_at, updated_at) < %(end)s
                AND (%(user_ids)s::text[] IS NULL OR user_id::text = ANY(%(user_ids)s)) AND {OF_A_LEARNER}
        )
"""  # noqa: S608 - put together from our own constants
# A sum, since it needs no order. Text in "C", or columns of two collations could not be put together.
_CHECKSUMS: LiteralString = f"""
    SELECT user_id::text, sum(hashtextextended(
        concat_ws('|', id, session_id, created_at, updated_at, result_json::text) COLLATE "C", 0
    ))
    FROM exam_results
    WHERE {OF_A_LEARNER}
        AND (updated_at >= %(start)s OR updated_at IS NULL) AND least(created_at, updated_at) < %(end)s
        AND (%(user_ids)s::text[] IS NULL OR user_id::text = ANY(%(user_ids)s))
    GROUP BY user_id::text
"""  # noqa: S608 - as above
# From each learner to the next in the index: a step a learner, however many sessions each has by now.
_USERS_BY_INDEX: LiteralString = f"""
    WITH RECURSIVE one AS (
        (SELECT user_id FROM exam_results ORDER BY user_id LIMIT 1)
        UNION ALL
        SELECT following.user_id FROM one, LATERAL (
            SELECT session.user_id FROM exam_results AS session WHERE session.user_id > one.user_id
            ORDER BY session.user_id LIMIT 1
        ) AS following
    )
    SELECT user_id::text FROM one AS exam_results WHERE {OF_A_LEARNER}
"""  # noqa: S608 - as above
_USERS: LiteralString = f"SELECT DISTINCT user_id::text FROM exam_results WHERE {OF_A_LEARNER}"  # noqa: S608 - as above
# Of those in which the next user is found at once; a platform's table may have none, or be a view. Options: ascending
# with nulls last, or the same read backwards.
_HAS_INDEX: LiteralString = """
    SELECT EXISTS (
        SELECT FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] AND attname = 'user_id'
        JOIN pg_opclass ON pg_opclass.oid = indclass[0] AND opcdefault
        JOIN pg_am ON pg_am.oid = opcmethod AND amname = 'btree'
        WHERE indrelid = 'exam_results'::regclass AND indisvalid AND indpred IS NULL
            AND indcollation[0] = attcollation AND indoption[0] IN (0, 3)
    )
"""
_EVER = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
_EVER_AFTER = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


def users(connection: sa.Connection) -> list[str]:
    """Everyone who has a session, in order; without those who are ignored, as all that is read here."""
    query = _USERS_BY_INDEX if is_indexed(connection) else _USERS
    return sorted(connection.exec_driver_sql(query).scalars())


def is_indexed(connection: sa.Connection) -> bool:
    """Whether `users` takes a step a user, and need not read all sessions."""
    return bool(connection.exec_driver_sql(_HAS_INDEX).scalar_one())


def users_between(connection: sa.Connection, start: dt.datetime, end: dt.datetime) -> list[str]:
    """Everyone who has a session with time from `start` until before `end`, in no order."""
    query = f"""
        SELECT DISTINCT user_id::text FROM exam_results
        WHERE {OF_A_LEARNER}
            AND (updated_at >= %(start)s OR updated_at IS NULL) AND least(created_at, updated_at) < %(end)s
    """  # noqa: S608 - as above
    return list(connection.exec_driver_sql(query, {"start": start, "end": end}).scalars())


def span(connection: sa.Connection) -> tuple[dt.datetime, dt.datetime] | None:
    """When the first session began and the last one ended; None without any."""
    query = "SELECT min(least(created_at, updated_at)), max(coalesce(updated_at, created_at)) FROM exam_results"
    first, last = connection.exec_driver_sql(query).one()
    return None if first is None else (_utc(first), _utc(last))


def between(
    connection: sa.Connection, start: dt.datetime, end: dt.datetime, user_ids: Sequence[str] | None = None
) -> pa.Table:
    """Answers from `start` until before `end`, of all users or of these, as `answers.schema` has them; in no order."""
    chosen = None if user_ids is None else list(user_ids)
    table = _told_apart(copy_out(connection, _ANSWERS, _READ, {"start": start, "end": end, "user_ids": chosen}))
    completed_at = table["completed_at"]
    return table.filter(
        pc.and_(
            pc.greater_equal(completed_at, pa.scalar(start, _INSTANT)),
            pc.less(completed_at, pa.scalar(end, _INSTANT)),
        )
    )


def exams(connection: sa.Connection) -> dict[str, str]:
    """The exam of each session that has one; nothing on a platform whose exam_results has no column exam_id."""
    there = "SELECT 1 FROM pg_attribute WHERE attrelid = 'exam_results'::regclass AND attname = 'exam_id'"
    if connection.exec_driver_sql(there).first() is None:
        return {}
    query = "SELECT session_id::text, min(exam_id::text) FROM exam_results WHERE exam_id IS NOT NULL GROUP BY 1"
    return {row[0]: row[1] for row in connection.exec_driver_sql(query)}


def ever(connection: sa.Connection, done: Callable[[int, int], None] = lambda _, __: None) -> Iterator[pa.Table]:
    """All answers that there are, as `between`: of some learners after the others. `done` hears of how many of all."""
    everybody = users(connection)
    for start in range(0, len(everybody), LEARNERS_AT_ONCE):
        some = everybody[start : start + LEARNERS_AT_ONCE]
        yield between(connection, _EVER, _EVER_AFTER, some)
        done(start + len(some), len(everybody))


def checksums(
    connection: sa.Connection, start: dt.datetime, end: dt.datetime, user_ids: Sequence[str] | None = None
) -> dict[str, int]:
    """A number for each user with sessions in this time: another one as soon as any of these sessions is another.

    Far cheaper than the answers, since no session is taken apart; checksums of several users may be added up.
    """
    chosen = None if user_ids is None else list(user_ids)
    rows = connection.exec_driver_sql(_CHECKSUMS, {"start": start, "end": end, "user_ids": chosen})
    return {user_id: int(checksum) for user_id, checksum in rows}


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
            AND NOT EXISTS (SELECT FROM ignored_learners AS i WHERE i.user_id = attempt_malformed.user_id)
        GROUP BY reason ORDER BY reason
    """
    chosen = None if user_ids is None else list(user_ids)
    rows = connection.exec_driver_sql(query, {"start": start, "end": end, "user_ids": chosen})
    return {row.reason: row.n for row in rows}


def of_recomputed_sessions(
    connection: sa.Connection, start: dt.datetime, end: dt.datetime, user_ids: Sequence[str] | None = None
) -> int:
    """How many answers of this time have it from their session's beginning: the session was computed anew much later,
    and they carry no time of their own. Of all users or of these."""
    query = f"""
        WITH recomputed AS MATERIALIZED (
            SELECT id::text AS exam_result_id, created_at FROM exam_results
            WHERE updated_at - created_at > seedtest_longest_session() AND updated_at >= %(start)s
                AND created_at >= %(start)s AND created_at < %(end)s
                AND (%(user_ids)s::text[] IS NULL OR user_id::text = ANY(%(user_ids)s)) AND {OF_A_LEARNER}
        ), answers AS MATERIALIZED (  -- by itself: put together with the rest, all sessions would be taken apart
            SELECT exam_result_id, completed_at FROM attempt
            WHERE exam_result_id IN (SELECT exam_result_id FROM recomputed)
        )
        SELECT count(*) FROM answers JOIN recomputed USING (exam_result_id) WHERE completed_at = created_at
    """  # noqa: S608 - as above
    chosen = None if user_ids is None else list(user_ids)
    found: int = connection.exec_driver_sql(query, {"start": start, "end": end, "user_ids": chosen}).scalar_one()
    return found


def _told_apart(sessions: pa.Table) -> pa.Table:
    """SCHEMA, from the columns of _READ. By the platform's row, since it may have a session's id twice; and before a
    time is cut out of it, since what was omitted in it may have been followed by an answer after it."""
    correct = pc.cast(pc.cast(sessions["correct"], pa.int32()), pa.float64()).to_numpy()
    session: Any = sessions["exam_result_id"].combine_chunks()
    number = session.indices.to_numpy().astype(np.int64)
    is_omitted = omitted(correct, sessions["question_no"].to_numpy(), number)
    column = pa.array(is_omitted == 1, pa.bool_(), mask=np.isnan(is_omitted))
    return sessions.append_column(SCHEMA.field("omitted"), column).select(SCHEMA.names)


def _utc(instant: dt.datetime) -> dt.datetime:
    """A column without a time zone is in UTC, as the view reads it."""
    return instant.replace(tzinfo=instant.tzinfo or dt.UTC).astimezone(dt.UTC)
