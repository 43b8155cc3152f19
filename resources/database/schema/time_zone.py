"""In which time zone the stored weeks begin, as a function in the database: weeks of two zones must not be mixed.

The setting SEEDTEST_TIMEZONE is written here by `seedtest migrate`. Another one makes every week another stretch of
time, so that what was made of them has to be made again.
"""

import sqlalchemy as sa
from psycopg import sql

from resources.database.schema import undo_log
from resources.database.schema.tables import ability_weeks, population, session_versions, theta_estimates

FUNCTION = "seedtest_time_zone"
DEFAULT = "UTC"


def store(connection: sa.Connection, zone: str) -> None:
    returns = sql.SQL("RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN {}").format(sql.Literal(zone))
    undo_log.run(connection, f"CREATE OR REPLACE FUNCTION {FUNCTION}() {returns.as_string()}")


def settle(connection: sa.Connection, zone: str) -> bool:
    """Whether another zone was in force, under which weeks were made: all of them count as not made from now on."""
    if stored(connection) == zone:
        return False
    store(connection, zone)
    for table in (session_versions, population):
        connection.execute(sa.delete(table))
    made = connection.execute(sa.delete(ability_weeks)).rowcount
    connection.execute(sa.update(theta_estimates).values(fingerprint=None))
    return bool(made)


def any_made(connection: sa.Connection) -> bool:
    return connection.execute(sa.select(ability_weeks.c.week_start).limit(1)).first() is not None


def stored(connection: sa.Connection) -> str:
    """The zone that is in force."""
    zone: str = connection.exec_driver_sql(f"SELECT {FUNCTION}()").scalar_one()
    return zone
