"""What a session must be like, said so that it is so: what is asked for at the start is not kept by every server.

A pooler such as PgBouncer gives each transaction another session of the server, drops what was asked for when the
connection was made, and hands what one client sets to the next one. So a session of our own is set up once, and behind
a pooler each transaction is.
"""

import sys
from collections.abc import Mapping
from typing import Any, LiteralString

import psycopg
import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

from resources.errors import OperatorRequired

OLDEST_SERVER = 14  # the attempt view's functions have SQL-standard bodies

# A role, a database or the environment (PGTZ) may say otherwise. Columns without a time zone are in UTC; COPY writes
# instants, numbers and text as these say.
_SETTINGS = {"TimeZone": "UTC", "DateStyle": "ISO", "extra_float_digits": "1", "client_encoding": "UTF8"}
_IN_EACH = "in each transaction"
_ONLY_IF_ASKED = sys.maxsize  # uses of a statement before psycopg prepares it by itself


class Sessions:
    """Sets up the connections of one engine."""

    def __init__(self, statement_timeout_s: float | None, asks_itself: bool, keeps_plans: bool) -> None:
        """`asks_itself`: the address has `options` of its own. `keeps_plans`: statements that ask for it are prepared,
        with a plan that fits whatever values they get; never behind a pooler."""
        timeout = {} if statement_timeout_s is None else {"statement_timeout": f"{round(statement_timeout_s * 1000)}"}
        self._settings = {**_SETTINGS, **timeout}
        self._asks_itself = asks_itself
        self._keeps_plans = keeps_plans

    def watch(self, engine: sa.Engine) -> None:
        sa.event.listen(engine, "connect", self._connected)
        sa.event.listen(engine, "begin", _begun)

    def _connected(self, connection: psycopg.Connection[tuple[object, ...]], entry: ConnectionPoolEntry) -> None:
        _require_version(connection)
        connection.autocommit = True
        if _is_pooled(connection):
            self._require_nothing_asked_for(connection)
            entry.info[_IN_EACH] = self._statement("SET LOCAL")
        else:
            connection.execute(self._statement("SET").encode())
            if self._keeps_plans:
                connection.execute("SET plan_cache_mode = force_generic_plan")
                connection.prepare_threshold = _ONLY_IF_ASKED
        connection.autocommit = False

    def _statement(self, verb: str) -> str:
        return "; ".join(f"{verb} {name} = '{value}'" for name, value in self._settings.items())

    def _require_nothing_asked_for(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        if self._asks_itself:
            info = connection.info
            raise OperatorRequired(
                f"{info.host}:{info.port}/{info.dbname} is a pooler, which does not keep the options of DATABASE_URL.",
                remedy="Give them to the role, as in ALTER ROLE … SET search_path = …, and take them out there.",
            )


def set_in_each(info: Mapping[str, Any]) -> LiteralString | None:
    """What each transaction of a connection has to begin with, by its `info`; None where its session keeps it."""
    return info.get(_IN_EACH)


def is_pooled(connection: sa.Connection) -> bool:
    """Whether what is set in one transaction is lost, or another client's, in the next one."""
    return _IN_EACH in connection.info


def _begun(connection: sa.Connection) -> None:
    if is_pooled(connection):
        connection.exec_driver_sql(connection.info[_IN_EACH], execution_options={"no_parameters": True})


def _is_pooled(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """A server tells its process at the start; a pooler tells a number of its own, since there is no process yet."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row is not None and row[0] != connection.info.backend_pid


def _require_version(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    info = connection.info
    if info.server_version < OLDEST_SERVER * 10_000:
        raise OperatorRequired(
            f"{info.host}:{info.port}/{info.dbname} runs PostgreSQL "
            f"{info.parameter_status('server_version')}; this needs {OLDEST_SERVER} or later.",
            remedy="Upgrade the server, or name another in DATABASE_URL.",
        )
