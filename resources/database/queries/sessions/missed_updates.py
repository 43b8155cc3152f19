"""Users of whom a session has arrived that their current ability does not know of.

A session arrived with the transaction that wrote its row (`xmin`). Its own times do not say when: where a device was
offline they are hours old. Numbers of transactions are PostgreSQL's 64-bit ones, which never come again.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

import sqlalchemy as sa

from resources.database.queries.sessions.ignored_learners import OF_A_LEARNER
from resources.model import Model

_ALL_ENDED_BEFORE: LiteralString = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
# age() counts back from the next transaction; `next` is that one's number. A session is known to an ability that was
# stored by a later transaction, as of later than the session's end: of the weekly run, as_of is the week's end.
_ARRIVED: LiteralString = f"""
    SELECT user_id
    FROM (
        SELECT user_id::text AS user_id, max(coalesce(updated_at, created_at)) AS ended_at,
            min(age(exam_results.xmin)) AS age
        FROM exam_results CROSS JOIN (
            SELECT pg_snapshot_xmin(s)::text::bigint + age(pg_snapshot_xmin(s)::xid) AS next
            FROM pg_current_snapshot() AS s
        ) AS transactions
        WHERE (updated_at >= %(since)s OR (updated_at IS NULL AND created_at >= %(since)s))
            AND age(exam_results.xmin) <= next - %(begin)s AND age(exam_results.xmin) > next - %(end)s
            AND {OF_A_LEARNER}
        GROUP BY user_id::text
    ) AS sessions
    WHERE user_id COLLATE "C" > %(after_user)s AND NOT EXISTS (
        SELECT FROM seedtest_mirt_ability AS known
        WHERE known.user_id = sessions.user_id AND version = %(version)s AND model = %(model)s
            AND as_of > ended_at AND age(known.xmin) < sessions.age
    )
    ORDER BY user_id COLLATE "C"
    LIMIT %(limit)s
"""  # noqa: S608 - put together from our own constants


@dataclass(frozen=True)
class Arrivals:
    """What the transactions from `begin` on, and before `end`, wrote."""

    begin: int
    end: int


def all_ended_before(connection: sa.Connection) -> int:
    """The oldest transaction that is still at work, or the next one: whatever an earlier one wrote is there for all."""
    return int(connection.exec_driver_sql(_ALL_ENDED_BEFORE).scalar_one())


def find(
    connection: sa.Connection,
    arrivals: Arrivals,
    since: dt.datetime,
    version: str,
    model: Model,
    limit: int,
    after_user: str = "",
) -> Sequence[str]:
    """The first `limit` users after `after_user`, in order, with a session among the arrivals that ended at `since` or
    later and that no ability under the bank `version` for `model` knows of."""
    if arrivals.begin >= arrivals.end:
        return []
    values = {
        "begin": arrivals.begin, "end": arrivals.end, "since": since, "version": version, "model": model,
        "limit": limit, "after_user": after_user,
    }  # fmt: skip
    return list(connection.exec_driver_sql(_ARRIVED, values).scalars())
