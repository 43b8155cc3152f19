"""Ability estimates of weeks: one row per user and week (`theta_estimates`), and what they make of the current one.

The caller's transaction is the one in force. Rows are always locked in the order of their users (in the collation that
Python sorts by), so that two writers wait for each other and never in a circle.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql

from resources.database.copy import copy_out
from resources.database.merge import merge
from resources.database.queries.estimates.current_abilities import UNLESS_LATER, StateBefore
from resources.database.schema.tables import mirt_ability, theta_estimates
from resources.database.staging import stage
from resources.irt.growth.states import State
from resources.model import Floats, Ints, Model, Thetas, Week

if TYPE_CHECKING:  # Arrow imports it when a table becomes a frame; the API makes none, and it costs 80 MB
    import pandas as pd

# What is estimated of a learner; the other columns of the tables are the same for everybody of a run.
_OF_LEARNER = (
    "user_id", "theta", "se", "n_items", "n_unknown_item", "n_unusable", "n_new_items", "prior_mean", "prior_sd",
    "fingerprint",
)  # fmt: skip
_ARROW: dict[type[object], pa.DataType] = {
    sa.Text: pa.large_string(),
    sa.Date: pa.date32(),
    sa.Double: pa.float64(),
    sa.Integer: pa.int32(),
    sa.DateTime: pa.timestamp("us", "UTC"),
}
_ESTIMATES = pa.schema([(column.name, _ARROW[type(column.type)]) for column in theta_estimates.columns])


# LIMIT 1: one look into the index a learner. Of a week that is being made PostgreSQL expects no rows, and would read
# all that are there for each of them.
_LOCK_WEEK = """
    SELECT FROM (SELECT user_id FROM scored ORDER BY user_id COLLATE "C") AS s
    CROSS JOIN LATERAL (
        SELECT FROM theta_estimates e WHERE e.user_id = s.user_id AND e.week_start = %(week_start)s LIMIT 1 FOR UPDATE
    ) AS locked
"""
_DROP_UNSCORED = "DELETE FROM theta_estimates WHERE week_start = %(week_start)s AND user_id = ANY(%(unscored)s)"
_FROM_SCORED = 'SELECT {} FROM scored WHERE theta IS NOT NULL ORDER BY user_id COLLATE "C"'
_STORE_WEEK = merge(theta_estimates, _FROM_SCORED, _OF_LEARNER)
_STORE_WEEK_AS_CURRENT = merge(mirt_ability, _FROM_SCORED, _OF_LEARNER) + UNLESS_LATER
_READ = sql.SQL("""
    SELECT {} FROM theta_estimates
    WHERE week_start BETWEEN %(first)s AND %(last)s AND (%(user_ids)s::text[] IS NULL OR user_id = ANY(%(user_ids)s))
    ORDER BY user_id COLLATE "C", week_start
""").format(sql.SQL(", ").join(map(sql.Identifier, _ESTIMATES.names)))


@dataclass(frozen=True)
class WeekStates:
    """What a week made of learners. Per estimated learner, in the order of `thetas.user_ids`, each of shape (n,): the
    prior before the week's answers (logits), the answers of before, and a fingerprint.

    `thetas.n_items` counts the week's answers alone; what is stored as n_items is the sum of both.
    """

    thetas: Thetas
    prior_mean: Floats
    prior_sd: Floats
    n_items_before: Ints
    fingerprints: Sequence[str]


@dataclass(frozen=True)
class StoredWeek:
    """Users whose estimate of the week was `written`, those whose stale one was `removed`, and those whose `current`
    ability is now this one (the others have a later one)."""

    written: int
    removed: int
    current: int


def current_of_all(connection: sa.Connection, version: str, model: Model) -> dict[str, tuple[float, float]]:
    """Theta and standard error of everybody who has an ability under this bank, in logits."""
    query = sa.select(mirt_ability.c.user_id, mirt_ability.c.theta, mirt_ability.c.se).where(
        mirt_ability.c.version == version, mirt_ability.c.model == model
    )
    return {row.user_id: (row.theta, row.se) for row in connection.execute(query)}


def store_week(
    connection: sa.Connection, week: Week, made: WeekStates, window_days: int, fitted_at: dt.datetime
) -> StoredWeek:
    """The week's estimates, and the current abilities where none is later.

    A user in `made.thetas.unscored` loses an estimate that an earlier run left for this week; the current ability
    stays, as the last one known.
    """
    values = {
        "week_start": week.start, "model": made.thetas.model, "version": made.thetas.bank_version,
        "window_days": window_days, "as_of": week.ends_at, "fitted_at": fitted_at,
    }  # fmt: skip
    columns = ", ".join(f"{name} {theta_estimates.c[name].type.compile(connection.dialect)}" for name in _OF_LEARNER)
    stage(connection, "scored", columns, "user_id", _scored(made))
    connection.exec_driver_sql(_LOCK_WEEK, values)
    unscored = list(made.thetas.unscored)
    removed = connection.exec_driver_sql(_DROP_UNSCORED, values | {"unscored": unscored}).rowcount
    written = connection.exec_driver_sql(_STORE_WEEK, values).rowcount
    current = connection.exec_driver_sql(_STORE_WEEK_AS_CURRENT, values).rowcount
    return StoredWeek(written, removed, current)


def states_before(connection: sa.Connection, user_ids: Sequence[str], week: Week) -> dict[str, StateBefore]:
    """The newest state of each of these users before the week; of those without one nothing."""
    query: LiteralString = """
        SELECT asked.user_id, theta, se, week_start, n_items, made
        FROM unnest(%(user_ids)s::text[]) AS asked (user_id)
        CROSS JOIN LATERAL (
            SELECT theta, se, week_start, n_items, coalesce(fingerprint, '') AS made FROM theta_estimates e
            WHERE e.user_id = asked.user_id AND week_start < %(week)s ORDER BY week_start DESC LIMIT 1
        ) AS newest
    """
    rows = connection.exec_driver_sql(query, {"week": week.start, "user_ids": list(user_ids)})
    return {user_id: StateBefore(theta, se, Week(start), n, made) for user_id, theta, se, start, n, made in rows}


def as_state(user_ids: Sequence[str], before: Mapping[str, StateBefore], week: Week) -> tuple[State, Floats]:
    """The states of these users, and how many weeks old each is at the end of `week` (1 without one), shape (n,)."""
    found = [before.get(user_id) for user_id in user_ids]
    mean = np.array([one.theta if one else np.nan for one in found], np.float64)
    sd = np.array([one.se if one else np.nan for one in found], np.float64)
    weeks = np.array([(week.start - one.week.start).days / 7 if one else 1.0 for one in found], np.float64)
    return State(mean, sd), weeks


def made_from(connection: sa.Connection, user_ids: Sequence[str], week: Week) -> dict[str, str]:
    """The fingerprint of those of these users of whom the week was made: "" where nothing could be estimated."""
    query = """
        SELECT asked.user_id, coalesce(fingerprint, '') AS fingerprint
        FROM unnest(%(user_ids)s::text[]) AS asked (user_id)
        LEFT JOIN LATERAL (
            SELECT true AS there, fingerprint FROM theta_estimates
            WHERE user_id = asked.user_id AND week_start = %(week)s LIMIT 1
        ) AS e ON true
        LEFT JOIN LATERAL (
            SELECT true AS there FROM answered_items WHERE user_id = asked.user_id AND week_start = %(week)s LIMIT 1
        ) AS a ON true
        WHERE e.there OR a.there
    """
    rows = connection.exec_driver_sql(query, {"week": week.start, "user_ids": list(user_ids)})
    return {row.user_id: row.fingerprint for row in rows}


def take_back_current(
    connection: sa.Connection, user_ids: Sequence[str], week: Week, version: str, model: Model
) -> int:
    """Those of these users whose current ability is of this week's time, while they have no estimate of the week any
    more, get their newest estimate of before as the current one, or have none; returns how many."""
    of_bank = {"version": version, "model": model}
    query: LiteralString = """
        SELECT m.user_id, state.theta, state.se, state.n_items, state.as_of
        FROM unnest(%(user_ids)s::text[]) AS asked (user_id)
        JOIN seedtest_mirt_ability m ON m.user_id = asked.user_id AND m.version = %(version)s AND m.model = %(model)s
        LEFT JOIN LATERAL (
            SELECT week_start, theta, se, n_items, as_of FROM theta_estimates e
            WHERE e.user_id = asked.user_id AND week_start <= %(week)s ORDER BY week_start DESC LIMIT 1
        ) AS state ON true
        WHERE m.as_of > %(begins_at)s AND m.as_of <= %(ends_at)s
            AND (state.week_start IS NULL OR state.week_start < %(week)s AND state.theta <> m.theta)
        ORDER BY m.user_id COLLATE "C" FOR UPDATE OF m
    """
    times = {"week": week.start, "begins_at": week.begins_at, "ends_at": week.ends_at}
    found = connection.exec_driver_sql(query, {"user_ids": list(user_ids)} | of_bank | times).all()
    for row in found:
        own = (mirt_ability.c.user_id == row.user_id, mirt_ability.c.version == version, mirt_ability.c.model == model)
        if row.theta is None:
            connection.execute(sa.delete(mirt_ability).where(*own))
        else:
            before = {"theta": row.theta, "se": row.se, "n_items": row.n_items, "as_of": row.as_of}
            connection.execute(sa.update(mirt_ability).where(*own).values(before))
    return len(found)


def history(connection: sa.Connection, user_ids: Sequence[str], until: Week) -> "pd.DataFrame":
    """Every estimate of these users up to and with a week, by user and week; columns as in `theta_estimates`."""
    return _read(connection, dt.date.min, until.start, user_ids)


def of_week(connection: sa.Connection, week: Week, user_ids: Sequence[str] | None = None) -> "pd.DataFrame":
    """A week's estimates by user, of all users or of these; columns as in `theta_estimates`."""
    return _read(connection, week.start, week.start, user_ids)


def distribution(connection: sa.Connection, week: Week, limit: float, weeks: int = 4) -> Floats:
    """The newest theta of everybody who was measured in the `weeks` before the week, ascending; of those within
    ±`limit` logits."""
    query: LiteralString = """
        SELECT DISTINCT ON (user_id) theta FROM theta_estimates
        WHERE week_start >= %(first)s AND week_start < %(week)s AND abs(theta) <= %(limit)s
        ORDER BY user_id, week_start DESC
    """
    values = {"first": week.plus(-weeks).start, "week": week.start, "limit": limit}
    return np.sort(copy_out(connection, query, pa.schema({"theta": pa.float64()}), values)["theta"].to_numpy())


def renewed_at(connection: sa.Connection, week: Week) -> dt.datetime | None:
    """When the last of the week's estimates was made; None without any."""
    query = "SELECT max(fitted_at) FROM theta_estimates WHERE week_start = %(week)s"
    latest: dt.datetime | None = connection.exec_driver_sql(query, {"week": week.start}).scalar_one()
    return latest


def _read(connection: sa.Connection, first: dt.date, last: dt.date, user_ids: Sequence[str] | None) -> "pd.DataFrame":
    chosen = None if user_ids is None else list(user_ids)
    table = copy_out(connection, _READ, _ESTIMATES, {"first": first, "last": last, "user_ids": chosen})
    return table.to_pandas(date_as_object=True)  # weeks as datetime.date, for Week(...)


def _scored(made: WeekStates) -> pa.Table:
    """All users; those without an estimate have nulls."""
    thetas = made.thetas
    values: dict[str, Sequence[object]] = {
        "theta": thetas.theta.tolist(), "se": thetas.se.tolist(),
        "n_items": (thetas.n_items + made.n_items_before).tolist(),
        "n_unknown_item": thetas.n_unknown_item.tolist(), "n_unusable": thetas.n_unusable.tolist(),
        "n_new_items": thetas.n_items.tolist(), "prior_mean": made.prior_mean.tolist(),
        "prior_sd": made.prior_sd.tolist(), "fingerprint": made.fingerprints,
    }  # fmt: skip
    empty = [None] * len(thetas.unscored)
    return pa.table(
        {
            "user_id": pa.array([*thetas.user_ids, *thetas.unscored], pa.large_string()),
            **{name: pa.array([*values[name], *empty], _ESTIMATES.field(name).type) for name in _OF_LEARNER[1:]},
        }
    )
