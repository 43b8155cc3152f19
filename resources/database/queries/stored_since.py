"""Current abilities and reports that were stored by transactions in a range, in the order of their keys.

Each row bears the transaction that wrote it last (docs/decisions/0028): one that was written twice is found once, as it
is now.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

import sqlalchemy as sa

from resources.database.queries.sessions.missed_updates import Arrivals

_TRANSACTIONS: LiteralString = """
    CROSS JOIN (
        SELECT pg_snapshot_xmin(s)::text::bigint + age(pg_snapshot_xmin(s)::xid) AS next
        FROM pg_current_snapshot() AS s
    ) AS transactions
    WHERE age(stored.xmin) <= next - %(begin)s AND age(stored.xmin) > next - %(end)s
"""
_ABILITIES: LiteralString = f"""
    SELECT fitted_at, jsonb_build_array(user_id, model, version) AS place,
        jsonb_build_object('user_id', user_id, 'version', version, 'as_of', as_of) AS told
    FROM seedtest_mirt_ability AS stored {_TRANSACTIONS} AND as_of IS NOT NULL
        AND (user_id, model, version) > (%(after0)s, %(after1)s, %(after2)s)
    ORDER BY user_id, model, version LIMIT %(limit)s
"""  # noqa: S608 - put together from our own constants
_REPORTS: LiteralString = f"""
    SELECT generated_at, jsonb_build_array(user_id, week_start::text, format) AS place,
        jsonb_build_object('user_id', user_id, 'week', week_start, 'format', format) AS told
    FROM seedtest_report_artifacts AS stored {_TRANSACTIONS} AND sha256 IS NOT NULL
        AND (user_id, week_start, format)
            > (%(after0)s, coalesce(nullif(%(after1)s, ''), '-infinity')::date, %(after2)s)
    ORDER BY user_id, week_start, format LIMIT %(limit)s
"""  # noqa: S608 - as above
_NOWHERE = ("", "", "")


@dataclass(frozen=True)
class Stored:
    """Of each row what is told, the newest instant of them, and the place of the last, after which to go on."""

    told: Sequence[Mapping[str, object]]
    newest: dt.datetime
    last: tuple[str, str, str]


def abilities(connection: sa.Connection, range_: Arrivals, limit: int, after: Sequence[str] = ()) -> Stored | None:
    """The first `limit` of them; None without any."""
    return _found(connection, _ABILITIES, range_, limit, after)


def reports(connection: sa.Connection, range_: Arrivals, limit: int, after: Sequence[str] = ()) -> Stored | None:
    """Likewise of learners' own reports, in the order of user, week and format."""
    return _found(connection, _REPORTS, range_, limit, after)


def _found(
    connection: sa.Connection, query: LiteralString, range_: Arrivals, limit: int, after: Sequence[str]
) -> Stored | None:
    place = dict(zip(("after0", "after1", "after2"), after or _NOWHERE, strict=True))
    values = {"begin": range_.begin, "end": range_.end, "limit": limit, **place}
    rows = connection.exec_driver_sql(query, values).all()
    if not rows:
        return None
    instants, places, told = zip(*rows, strict=True)
    return Stored(told, max(instants), places[-1])
