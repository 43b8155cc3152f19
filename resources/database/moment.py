"""What an update on demand needs to know, as of one instant and in one round trip.

The answers are those of the view `attempt`, as everywhere; `attempts` reads them in bulk, which costs ten times as much
for one user.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

import numpy as np
import sqlalchemy as sa

from resources.database.banks import ADOPTED_LAST
from resources.model import Attempts, Ints

# One row, so one round trip. The users are named in both selections, or all sessions would be taken apart.
_READ: LiteralString = f"""
    SELECT asked.*, answers.*
    FROM (
        SELECT coalesce(%(as_of)s::timestamptz, statement_timestamp()) AS as_of,
            coalesce(%(version)s::text, ({ADOPTED_LAST})) AS version,
            set_config('application_name', %(application_name)s, false)
    ) AS asked
    CROSS JOIN LATERAL (
        SELECT array_agg(user_id), array_agg(item_key), array_agg(correct), array_agg(completed_at),
            array_agg(attempt_no), array_agg(session_id)
        FROM attempt
        WHERE user_id = ANY(%(user_ids)s) AND exam_result_id IN (
            SELECT id::text FROM exam_results
            WHERE user_id::text = ANY(%(user_ids)s)
                AND (updated_at >= asked.as_of - make_interval(days => %(lookback_days)s) OR updated_at IS NULL)
                AND least(created_at, updated_at) < asked.as_of
        )
    ) AS answers
"""  # noqa: S608 - put together from our own constants


@dataclass(frozen=True)
class Moment:
    """The version of the item bank in force (None: there is none), and the attempts of all sessions that reach into the
    window before `as_of`."""

    as_of: dt.datetime
    bank_version: str | None
    attempts: Attempts


def read(
    connection: sa.Connection,
    user_ids: Sequence[str],
    lookback_days: int,
    *,
    as_of: dt.datetime | None = None,
    bank_version: str | None = None,
    application_name: str = "seedtest",
) -> Moment:
    """At `as_of`, by default the database's own now: one clock, however many ask. `bank_version` pins a bank.

    The connection bears `application_name` from now on, so that the server's views and logs show for whom it works.
    """
    values = {
        "user_ids": list(user_ids), "lookback_days": lookback_days, "as_of": as_of, "version": bank_version,
        "application_name": application_name,
    }  # fmt: skip
    at, version, _name, *columns = connection.exec_driver_sql(_READ, values).one()
    return Moment(at, version, _attempts(*(column or () for column in columns)))


def _attempts(
    users: Sequence[str],
    items: Sequence[str],
    correct: Sequence[bool | None],
    completed_at: Sequence[dt.datetime],
    attempt_no: Sequence[int],
    sessions: Sequence[str | None],
) -> Attempts:
    user, user_ids = _encode(users)
    item, item_keys = _encode(items)
    rank = {session: i for i, session in enumerate(sorted({s for s in sessions if s is not None}))}
    return Attempts(
        user_ids, item_keys, user, item,
        np.array([np.nan if value is None else value for value in correct], np.float64),
        np.array([at.replace(tzinfo=None) for at in completed_at], "datetime64[us]"),  # the connection is in UTC
        np.array(attempt_no, np.int64),
        np.array([-1 if session is None else rank[session] for session in sessions], np.int64),
    )  # fmt: skip


def _encode(values: Sequence[str]) -> tuple[Ints, tuple[str, ...]]:
    """The place of each value among the distinct ones, and those in order of appearance."""
    places: dict[str, int] = {}
    codes = [places.setdefault(value, len(places)) for value in values]
    return np.array(codes, np.int64), tuple(places)
