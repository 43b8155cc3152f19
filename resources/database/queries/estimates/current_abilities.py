"""Current abilities, as an update on demand stores them and the API reads them: without Arrow, which the weekly rows
come and go in (`abilities`) and which would double the API's memory.

The caller's transaction is the one in force.
"""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import psycopg
import sqlalchemy as sa

from resources.database.merge import merge
from resources.database.queries import platform_tables
from resources.database.schema.tables import mirt_ability, theta_estimates
from resources.model import Model, Week

UNLESS_LATER = " WHERE seedtest_mirt_ability.as_of IS NULL OR seedtest_mirt_ability.as_of <= excluded.as_of"


@dataclass(frozen=True)
class Ability:
    """The current ability of a user, in logits, from the answers before `as_of`. What a platform had before this
    pipeline has no n_items and no as_of."""

    user_id: str
    theta: float
    se: float
    n_items: int | None
    model: Model
    version: str
    as_of: dt.datetime | None
    fitted_at: dt.datetime


@dataclass(frozen=True)
class StateBefore:
    """A learner's newest state before a week: level and error in logits, the week it is of, on how
    many answers it rests, and what it came from ("": an estimate of before there were states)."""

    theta: float
    se: float
    week: Week
    n_items: int
    fingerprint: str


_COLUMNS = [field.name for field in fields(Ability)]
# In the order in which every writer locks: two wait for each other, and never in a circle. Since rows are put in order
# first, how long to wait is set before one is locked, and for this statement alone.
_ROWS = """
    SELECT {} FROM json_to_recordset(%(rows)s) AS estimated (
        user_id text, theta float8, se float8, n_items integer, model text, version text, as_of timestamptz,
        fitted_at timestamptz
    ) CROSS JOIN (
        SELECT set_config('lock_timeout', coalesce(%(lock_timeout)s, current_setting('lock_timeout')), true)
    ) AS patience
    ORDER BY user_id COLLATE "C"
"""
_STORE = (merge(mirt_ability, _ROWS, _COLUMNS) + UNLESS_LATER + " RETURNING user_id").encode()
# In the same statement, so in the same transaction: who listens hears of what is stored, and of nothing else.
_STORE_AND_NOTIFY = (
    b"WITH stored AS (" + _STORE + b") SELECT user_id, pg_notify(%(channel)s, user_id)::text FROM stored"
)


def store(
    connection: psycopg.Connection[Any], found: Sequence[Ability], channel: str | None = None,
    lock_timeout_ms: int | None = None,
) -> set[str]:  # fmt: skip
    """Those of these users, who are distinct, whose current ability this is now; of the others a later one is
    stored. With a `channel`, each of them is a NOTIFY there with the user's id. For rows that others hold it waits
    `lock_timeout_ms` at most, by default as the session does."""
    # JSON, since the driver takes as long to make an array as all else together; a double is the same afterwards.
    rows = json.dumps([vars(ability) for ability in found], default=dt.datetime.isoformat)
    statement = _STORE if channel is None else _STORE_AND_NOTIFY
    patience = None if lock_timeout_ms is None else f"{lock_timeout_ms}ms"
    values = {"rows": rows, "channel": channel, "lock_timeout": patience}
    return {row[0] for row in connection.execute(statement, values, prepare=True)}


def current(connection: sa.Connection, user_id: str, version: str, model: Model) -> Ability | None:
    """The user's current ability under an item bank, or what the predecessor left of it; None without either."""
    own = (mirt_ability.c.user_id == user_id, mirt_ability.c.version == version, mirt_ability.c.model == model)
    row = connection.execute(sa.select(mirt_ability).where(*own)).one_or_none()
    if row is None:
        left = platform_tables.ability(connection, user_id, version, model)
        return Ability(user_id, left.theta, left.se, None, model, version, None, left.fitted_at) if left else None
    return Ability(row.user_id, row.theta, row.se, row.n_items, row.model, row.version, row.as_of, row.fitted_at)


def history(connection: sa.Connection, user_id: str, until: Week) -> list[dict[str, object]]:
    """The user's estimates up to and with a week, by week: a row of `theta_estimates` each."""
    query = sa.select(theta_estimates).where(
        theta_estimates.c.user_id == user_id, theta_estimates.c.week_start <= until.start
    )
    return [dict(row) for row in connection.execute(query.order_by(theta_estimates.c.week_start)).mappings()]
