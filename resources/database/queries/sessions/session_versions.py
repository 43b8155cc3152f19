"""Whether a week's sessions are still those that were looked at before, without reading what is in them.

PostgreSQL keeps with each row the transaction that wrote it (`xmin`): a row that was added, changed or taken back makes
another sum of its week. Equal sums are equal sessions; other sums may be equal ones too, as after a restored backup, so
`attempts.checksums` of what is in them has the last word, and is kept here beside the sum that it belongs to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import LiteralString

import sqlalchemy as sa

from resources.database.queries.sessions.ignored_learners import OF_A_LEARNER
from resources.database.schema.tables import session_versions
from resources.model import Week

_VERSION: LiteralString = "sum(hash_record_extended(ROW(id, xmin), 0))"
# A session belongs to all weeks that it reaches into, one without an end to all since its beginning: as in `attempts`.
# Weeks as their places among those asked for, whose beginnings come from the calendar.
_BY_WEEKS: LiteralString = f"""
    SELECT width_bucket(greatest(least(created_at, updated_at), %(start)s), %(beginnings)s::timestamptz[]),
        width_bucket(coalesce(updated_at, %(end)s), %(beginnings)s::timestamptz[]), {_VERSION}
    FROM exam_results
    WHERE {OF_A_LEARNER}
        AND (updated_at >= %(start)s OR updated_at IS NULL) AND least(created_at, updated_at) < %(end)s
    GROUP BY 1, 2
"""  # noqa: S608 - put together from our own constants
_BY_USER: LiteralString = f"""
    SELECT user_id::text, {_VERSION} FROM exam_results
    WHERE {OF_A_LEARNER}
        AND (updated_at >= %(start)s OR updated_at IS NULL) AND least(created_at, updated_at) < %(end)s
    GROUP BY user_id::text
"""  # noqa: S608 - as above


@dataclass(frozen=True)
class Seen:
    """Of a week's sessions of one user key: their version, and the checksum of what was in them then."""

    version: int
    checksum: str


def by_week(connection: sa.Connection, first: Week, last: Week) -> dict[Week, int]:
    """The version of everybody's sessions of each of these weeks; the sum of all users' versions, modulo 2^64."""
    weeks = list(first.through(last))
    values = {"start": first.begins_at, "end": last.ends_at, "beginnings": [week.begins_at for week in weeks]}
    sums = dict.fromkeys(weeks, 0)
    for begins, ends, version in connection.exec_driver_sql(_BY_WEEKS, values):
        for week in weeks[begins - 1 : ends]:
            sums[week] += int(version)
    return {week: total % 2**64 for week, total in sums.items()}


def by_user(connection: sa.Connection, week: Week) -> dict[str, int]:
    """The version of each user's sessions of the week; those of several users are added up, modulo 2^64."""
    rows = connection.exec_driver_sql(_BY_USER, {"start": week.begins_at, "end": week.ends_at})
    return {user_id: int(version) for user_id, version in rows}


def seen(connection: sa.Connection, first: Week, last: Week, buckets: int) -> dict[Week, dict[str, Seen]]:
    """What was stored of these weeks under this partition scheme (`UserKeys.buckets`), by user key."""
    of = session_versions.c
    query = sa.select(session_versions).where(of.week_start.between(first.start, last.start), of.buckets == buckets)
    found: dict[Week, dict[str, Seen]] = {week: {} for week in first.through(last)}
    for row in connection.execute(query):
        found[Week(row.week_start)][row.user_key] = Seen(int(row.version, 16), row.checksum)
    return found


def store(connection: sa.Connection, week: Week, buckets: int, by_key: Mapping[str, Seen]) -> None:
    """In place of all that was stored of the week."""
    connection.execute(sa.delete(session_versions).where(session_versions.c.week_start == week.start))
    rows = [
        {
            "week_start": week.start, "user_key": key, "buckets": buckets, "version": f"{of.version:016x}",
            "checksum": of.checksum,
        }
        for key, of in sorted(by_key.items())
    ]  # fmt: skip
    if rows:
        connection.execute(session_versions.insert(), rows)


def n_of_key(connection: sa.Connection, user_key: str) -> int:
    """How many weeks of the user key are known."""
    query = sa.select(sa.func.count()).select_from(session_versions).where(session_versions.c.user_key == user_key)
    return int(connection.execute(query).scalar_one())


def forget_key(connection: sa.Connection, user_key: str) -> None:
    """Nothing is known of the user key."""
    connection.execute(sa.delete(session_versions).where(session_versions.c.user_key == user_key))
