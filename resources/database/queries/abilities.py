"""Ability estimates: one row per user and week (`theta_estimates`), and the current value per user (`mirt_ability`).

The caller's transaction is the one in force. Rows are always locked in the order of their users (in the collation that
Python sorts by), so that two writers wait for each other and never in a circle.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from resources.database.copy import copy_out
from resources.database.schema.tables import mirt_ability
from resources.database.staging import stage
from resources.model import Floats, Model, Thetas, Week

if TYPE_CHECKING:  # Arrow imports it when a table becomes a frame; the API makes none, and it costs 80 MB
    import pandas as pd

_SCORED = """
    user_id text, theta double precision, se double precision,
    n_items integer, n_unknown_item integer, n_unusable integer
"""
_LOCK_WEEK = """
    SELECT FROM theta_estimates JOIN scored USING (user_id) WHERE week_start = %(week_start)s
    ORDER BY user_id COLLATE "C" FOR UPDATE OF theta_estimates
"""
_DROP_UNSCORED = """
    DELETE FROM theta_estimates e USING scored s
    WHERE e.user_id = s.user_id AND e.week_start = %(week_start)s AND s.theta IS NULL
"""
_STORE_WEEK = """
    INSERT INTO theta_estimates (user_id, week_start, theta, se, n_items, n_unknown_item, n_unusable,
                                 model, version, window_days, as_of, fitted_at)
    SELECT user_id, %(week_start)s, theta, se, n_items, n_unknown_item, n_unusable,
           %(model)s, %(version)s, %(window_days)s, %(as_of)s, %(fitted_at)s
    FROM scored WHERE theta IS NOT NULL ORDER BY user_id COLLATE "C"
    ON CONFLICT (user_id, week_start) DO UPDATE SET
        theta = excluded.theta, se = excluded.se, n_items = excluded.n_items,
        n_unknown_item = excluded.n_unknown_item, n_unusable = excluded.n_unusable, model = excluded.model,
        version = excluded.version, window_days = excluded.window_days, as_of = excluded.as_of,
        fitted_at = excluded.fitted_at
"""
_STORE_CURRENT = """
    INSERT INTO mirt_ability (user_id, model, version, theta, se, n_items, as_of, fitted_at) {source}
    ON CONFLICT (user_id, model, version) DO UPDATE SET
        theta = excluded.theta, se = excluded.se, n_items = excluded.n_items,
        as_of = excluded.as_of, fitted_at = excluded.fitted_at
    WHERE mirt_ability.as_of IS NULL OR mirt_ability.as_of <= excluded.as_of
"""
_ESTIMATES: dict[str, pa.DataType] = {
    "user_id": pa.large_string(),
    "week_start": pa.date32(),
    "theta": pa.float64(),
    "se": pa.float64(),
    "n_items": pa.int32(),
    "n_unknown_item": pa.int32(),
    "n_unusable": pa.int32(),
    "model": pa.large_string(),
    "version": pa.large_string(),
    "window_days": pa.int32(),
    "as_of": pa.timestamp("us", "UTC"),
    "fitted_at": pa.timestamp("us", "UTC"),
}
_READ: LiteralString = """
    SELECT user_id, week_start, theta, se, n_items, n_unknown_item, n_unusable,
           model, version, window_days, as_of, fitted_at
    FROM theta_estimates
    WHERE week_start BETWEEN %(first)s AND %(last)s AND (%(user_ids)s::text[] IS NULL OR user_id = ANY(%(user_ids)s))
    ORDER BY user_id COLLATE "C", week_start
"""


@dataclass(frozen=True)
class Ability:
    """The current ability of a user, in logits, from the answers before `as_of`. What a platform had before this
    pipeline has no n_items and no as_of."""

    user_id: str
    theta: float
    se: float
    n_items: int | None
    model: str
    version: str
    as_of: dt.datetime | None
    fitted_at: dt.datetime


@dataclass(frozen=True)
class StoredWeek:
    """Users whose estimate of the week was `written`, those whose stale one was `removed`, and those whose `current`
    ability is now this one (the others have a later one)."""

    written: int
    removed: int
    current: int


def store_week(
    connection: sa.Connection, week: Week, thetas: Thetas, window_days: int, as_of: dt.datetime, fitted_at: dt.datetime
) -> StoredWeek:
    """The week's estimates, and the current abilities where none is later.

    A user in `thetas.unscored` loses an estimate that an earlier run left for this week; the current ability stays,
    as the last one known.
    """
    values = {
        "week_start": week.start, "model": thetas.model, "version": thetas.bank_version,
        "window_days": window_days, "as_of": as_of, "fitted_at": fitted_at,
    }  # fmt: skip
    stage(connection, "scored", _SCORED, "user_id", _scored(thetas))
    connection.exec_driver_sql(_LOCK_WEEK, values)
    removed = connection.exec_driver_sql(_DROP_UNSCORED, values).rowcount
    written = connection.exec_driver_sql(_STORE_WEEK, values).rowcount
    current = connection.exec_driver_sql(
        _STORE_CURRENT.replace(
            "{source}",
            "SELECT user_id, %(model)s, %(version)s, theta, se, n_items, %(as_of)s, %(fitted_at)s "
            'FROM scored WHERE theta IS NOT NULL ORDER BY user_id COLLATE "C"',
        ),
        values,
    ).rowcount
    return StoredWeek(written, removed, current)


def store_current(connection: sa.Connection, ability: Ability) -> bool:
    """Whether this is the user's current ability now; it is not where a later one is stored."""
    one = "VALUES (%(user_id)s, %(model)s, %(version)s, %(theta)s, %(se)s, %(n_items)s, %(as_of)s, %(fitted_at)s)"
    return connection.exec_driver_sql(_STORE_CURRENT.replace("{source}", one), vars(ability)).rowcount == 1


def current(connection: sa.Connection, user_id: str, version: str, model: Model) -> Ability | None:
    """The user's current ability under an item bank; None without one."""
    row = connection.execute(
        sa.select(mirt_ability).where(
            mirt_ability.c.user_id == user_id, mirt_ability.c.version == version, mirt_ability.c.model == model
        )
    ).one_or_none()
    if row is None:
        return None
    return Ability(row.user_id, row.theta, row.se, row.n_items, row.model, row.version, row.as_of, row.fitted_at)


def history(connection: sa.Connection, user_ids: Sequence[str], until: Week) -> "pd.DataFrame":
    """Every estimate of these users up to and with a week, by user and week; columns as in `theta_estimates`."""
    return _read(connection, dt.date.min, until.start, user_ids)


def history_of_user(connection: sa.Connection, user_id: str, until: Week) -> list[dict[str, object]]:
    """As `history` of one user, a row as a dictionary: without the detour by COPY and a frame."""
    values = {"first": dt.date.min, "last": until.start, "user_ids": [user_id]}
    return [dict(row) for row in connection.exec_driver_sql(_READ, values).mappings()]


def of_week(connection: sa.Connection, week: Week, user_ids: Sequence[str] | None = None) -> "pd.DataFrame":
    """A week's estimates by user, of all users or of these; columns as in `theta_estimates`."""
    return _read(connection, week.start, week.start, user_ids)


def distribution(connection: sa.Connection, week: Week) -> Floats:
    """The thetas of everybody who has an estimate of the week, ascending."""
    query: LiteralString = "SELECT theta FROM theta_estimates WHERE week_start = %(week_start)s"
    table = copy_out(connection, query, pa.schema({"theta": pa.float64()}), {"week_start": week.start})
    return np.sort(table["theta"].to_numpy())


def renewed_at(connection: sa.Connection, week: Week) -> dt.datetime | None:
    """When the last of the week's estimates was made; None without any."""
    query = "SELECT max(fitted_at) FROM theta_estimates WHERE week_start = %(week)s"
    latest: dt.datetime | None = connection.exec_driver_sql(query, {"week": week.start}).scalar_one()
    return latest


def implausible(connection: sa.Connection, limit: float) -> list[tuple[str, dt.date]]:
    """User and week of every estimate beyond ±`limit` logits, not a number, or with a standard error not above 0."""
    query = """
        SELECT user_id, week_start FROM theta_estimates
        WHERE NOT (abs(theta) <= %(limit)s AND se > 0 AND se < 'Infinity') OR theta = 'NaN' OR se = 'NaN'
        ORDER BY user_id, week_start
    """
    return [(user_id, start) for user_id, start in connection.exec_driver_sql(query, {"limit": limit})]


def _read(connection: sa.Connection, first: dt.date, last: dt.date, user_ids: Sequence[str] | None) -> "pd.DataFrame":
    chosen = None if user_ids is None else list(user_ids)
    table = copy_out(connection, _READ, pa.schema(_ESTIMATES), {"first": first, "last": last, "user_ids": chosen})
    return table.to_pandas(date_as_object=True)  # weeks as datetime.date, for Week(...)


def _scored(thetas: Thetas) -> pa.Table:
    """All users; those without an estimate have nulls."""
    empty = [None] * len(thetas.unscored)
    return pa.table(
        {
            "user_id": pa.array([*thetas.user_ids, *thetas.unscored], pa.large_string()),
            "theta": pa.array([*thetas.theta.tolist(), *empty], pa.float64()),
            "se": pa.array([*thetas.se.tolist(), *empty], pa.float64()),
            "n_items": pa.array([*thetas.n_items.tolist(), *empty], pa.int64()),
            "n_unknown_item": pa.array([*thetas.n_unknown_item.tolist(), *empty], pa.int64()),
            "n_unusable": pa.array([*thetas.n_unusable.tolist(), *empty], pa.int64()),
        }
    )
