"""How long a session may last, as a function in the database: the view `attempt` asks it, whoever reads the view.

Where the two times of a session lie farther apart, it was computed anew later, and an answer without a time of its own
is of its beginning. The setting SESSION_MAX_HOURS is written here by `seedtest migrate`.
"""

import sqlalchemy as sa

from resources.database.schema import undo_log

FUNCTION = "seedtest_longest_session"
DEFAULT_HOURS = 24


def store(connection: sa.Connection, hours: int) -> None:
    """0: a session lasts as long as its times say."""
    length = f"interval '{hours:d} hours'" if hours else "NULL::interval"
    returns = f"RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN {length}"
    undo_log.run(connection, f"CREATE OR REPLACE FUNCTION {FUNCTION}() {returns}")


def settle(connection: sa.Connection, hours: int) -> None:
    """As `store`, where another length is in force: replacing a function needs more rights than looking at it."""
    if stored(connection) != hours:
        store(connection, hours)


def stored(connection: sa.Connection) -> int:
    """The hours that are in force; 0 for no limit."""
    query = f"SELECT coalesce(extract(epoch FROM {FUNCTION}()) / 3600, 0)::integer"  # noqa: S608 - a constant
    hours: int = connection.exec_driver_sql(query).scalar_one()
    return hours
