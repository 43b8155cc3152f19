"""What the predecessor left in tables of its own, read as it is: nothing in there need be whole, and what cannot be
used is left out and counted. Nothing is written here.

The caller's transaction is the one in force.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import sqlalchemy as sa

from resources.database.schema.own_tables import existing_columns
from resources.database.schema.readers import is_the_platforms
from resources.model import Model

_BANK: LiteralString = """
    SELECT item_id::text AS item_id, model::text AS model, params FROM mirt_item_params
    WHERE version::text = %(version)s AND model IS NOT NULL ORDER BY item_id::text COLLATE "C"
"""
# Not a number is above infinity.
_USABLE: LiteralString = (
    "abs(theta) < 'Infinity' AND se > 0 AND se < 'Infinity' AND model IS NOT NULL AND fitted_at IS NOT NULL"
)
_ABILITY: LiteralString = f"""
    SELECT theta::float8 AS theta, se::float8 AS se, fitted_at::timestamptz AS fitted_at FROM mirt_ability
    WHERE user_id::text = %(user_id)s AND version::text = %(version)s AND model::text = %(model)s AND {_USABLE}
    ORDER BY fitted_at DESC LIMIT 1
"""  # noqa: S608 - put together from our own constants
_NOT_OURS: LiteralString = "version IS NULL OR version::text NOT IN (SELECT version FROM seedtest_mirt_fit_meta)"
_NEWEST: LiteralString = f"""
    SELECT DISTINCT ON (user_id) user_id, theta, se FROM (
        SELECT user_id::text COLLATE "C" AS user_id, theta::float8 AS theta, se::float8 AS se, fitted_at
        FROM mirt_ability WHERE ({_NOT_OURS}) AND user_id IS NOT NULL AND {_USABLE}
    ) AS theirs
    ORDER BY user_id, fitted_at DESC
"""  # noqa: S608 - as above
_REPORTS_BY_WEEK: LiteralString = """
    SELECT week, coalesce(theirs, 0) AS theirs, coalesce(ours, 0) AS ours
    FROM (
        SELECT date_trunc('week', week_start::date)::date AS week, count(DISTINCT user_id::text) AS theirs
        FROM report_artifacts t
        WHERE NOT EXISTS (SELECT FROM seedtest_report_artifacts o WHERE o.url = t.url::text) AND week_start IS NOT NULL
        GROUP BY 1
    ) AS t
    FULL JOIN (
        SELECT week_start AS week, count(DISTINCT user_id) AS ours FROM seedtest_report_artifacts
        WHERE sha256 IS NOT NULL GROUP BY 1
    ) AS o USING (week)
    ORDER BY week
"""
_NUMBERS = {"double precision", "real", "numeric"}
_DAYS = {"date"}
_INSTANTS = {"timestamp with time zone", "timestamp without time zone"}
# By table, the columns that it must have, and those of which the type matters.
_COLUMNS: Mapping[str, Mapping[str, Collection[str]]] = {
    "mirt_item_params": {"item_id": (), "model": (), "params": (), "version": ()},
    "mirt_ability": {
        "user_id": (), "theta": _NUMBERS, "se": _NUMBERS, "model": (), "version": (), "fitted_at": _INSTANTS
    },
    "report_artifacts": {"user_id": (), "week_start": _DAYS, "url": ()},
}  # fmt: skip


@dataclass(frozen=True)
class LeftBehind:
    """How many of the predecessor's items and abilities can be read here, and how many not."""

    items: int
    items_unusable: int
    abilities: int
    abilities_unusable: int


def bank(connection: sa.Connection, version: str) -> Sequence[Any]:
    """item_id, model and params of each item of this version in the predecessor's table, by item; mostly none."""
    if not _readable(connection, "mirt_item_params"):
        return []
    return connection.exec_driver_sql(_BANK, {"version": version}).all()


def ability(connection: sa.Connection, user_id: str, version: str, model: Model) -> Any | None:
    """theta, se and fitted_at of the user's newest whole row there; None without one."""
    if not _readable(connection, "mirt_ability"):
        return None
    values = {"user_id": user_id, "version": version, "model": model}
    return connection.exec_driver_sql(_ABILITY, values).one_or_none()


def abilities(connection: sa.Connection) -> Sequence[Any] | None:
    """user_id, theta and se of each user's newest whole row that is none of ours; None where there is no such table."""
    if not _readable(connection, "mirt_ability"):
        return None
    return connection.exec_driver_sql(_NEWEST).all()


def reports_by_week(connection: sa.Connection) -> Sequence[Any]:
    """week, and how many learners have a report of theirs and of ours that begins in it (Monday), by week; empty where
    there is no such table."""
    if not _readable(connection, "report_artifacts"):
        return []
    return connection.exec_driver_sql(_REPORTS_BY_WEEK).all()


def left_behind(connection: sa.Connection) -> LeftBehind:
    """Of the versions that no bank of ours has: what we wrote there for its readers is not the predecessor's."""
    counts = [0, 0, 0, 0]
    if _readable(connection, "mirt_item_params"):
        named: LiteralString = "model IS NOT NULL AND version IS NOT NULL"
        rows: LiteralString = f"SELECT {named} AS usable FROM mirt_item_params WHERE {_NOT_OURS}"  # noqa: S608 - as above
        counts[:2] = _counted(connection, rows)
    if _readable(connection, "mirt_ability"):
        rows = f"SELECT {_USABLE} AS usable FROM mirt_ability WHERE {_NOT_OURS}"  # noqa: S608 - as above
        counts[2:] = _counted(connection, rows)
    return LeftBehind(*counts)


def _counted(connection: sa.Connection, rows: LiteralString) -> tuple[int, int]:
    query = f"SELECT count(*) FILTER (WHERE usable), count(*) FILTER (WHERE usable IS NOT TRUE) FROM ({rows}) AS found"  # noqa: S608 - as above
    usable, unusable = connection.exec_driver_sql(query).one()
    return usable, unusable


def _readable(connection: sa.Connection, name: str) -> bool:
    """Whether the platform has this table, with the predecessor's columns, and lets our role read it."""
    if not is_the_platforms(connection, name):
        return False
    there = existing_columns(connection, name)
    if not all(
        column in there and (not types or there[column].type in types) for column, types in _COLUMNS[name].items()
    ):
        return False
    allowed = connection.exec_driver_sql("SELECT has_table_privilege(to_regclass(%(name)s), 'SELECT')", {"name": name})
    return bool(allowed.scalar_one())
