"""Engines and transactions: one way to reach PostgreSQL, and one place where a lost connection becomes our error."""

import contextlib
from collections.abc import Iterator

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from resources.errors import DatabaseUnavailable, InvalidInput, OperatorRequired

OLDEST_SERVER = 14  # the attempt view's functions have SQL-standard bodies

_CONNECT_TIMEOUT_S = 10
# A dead peer is noticed within about a minute, also by a connection that waits for a long query.
_KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
_SPELLINGS = {"postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"}
# SQLSTATE classes of a server that is not there for us now: connection, resources, operator's intervention (but a
# cancelled statement, 57014, is not one). https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNAVAILABLE_CLASSES = ("08", "53", "57P")


def make_engine(
    url: str,
    application_name: str = "seedtest",
    *,
    statement_timeout_s: float | None = None,
    pool_size: int = 5,
    ping: bool = True,
) -> sa.Engine:
    """A pool of connections in UTC; connects only when used. Statements run as long as they need, unless told.

    Without `ping` a connection that broke while it was idle is noticed by who uses it next: one caller fails, and all
    of that age are replaced. With it each use costs a round trip more, and nobody fails.

    Raises:
        InvalidInput: `url` is not a PostgreSQL address. The message leaves the address out: it may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername not in _SPELLINGS or not parsed.database:
        raise InvalidInput("The database address is not of the form postgresql://user:password@host:5432/name.")
    session = "-c timezone=UTC"
    if statement_timeout_s is not None:
        session += f" -c statement_timeout={round(statement_timeout_s * 1000)}"
    given = parsed.query.get("options", "")
    engine = sa.create_engine(
        parsed.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
        pool_pre_ping=ping,
        pool_size=pool_size,
        max_overflow=pool_size,
        connect_args={
            "application_name": application_name,
            "connect_timeout": _CONNECT_TIMEOUT_S,
            # No prepared statements: PostgreSQL keeps their plan, also one that it made while the table was empty.
            # With it a week's states of 100,000 learners took minutes instead of seconds.
            "prepare_threshold": None,
            "options": f"{session} {given if isinstance(given, str) else ' '.join(given)}".strip(),
            **_KEEPALIVE,
        },
    )
    sa.event.listen(engine, "connect", _require_version)
    return engine


@contextlib.contextmanager
def transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction: committed at the end of the block, rolled back if the block raises.

    Raises:
        DatabaseUnavailable: the server refuses or drops the connection; nothing of the block was stored, unless the
            connection broke during the commit itself.
    """
    with _unavailable(engine), engine.begin() as connection:
        yield connection


@contextlib.contextmanager
def statements(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection on which each statement is a transaction of its own: for single statements in a hurry, which BEGIN
    and COMMIT would make three times as long.

    Raises:
        DatabaseUnavailable: the server refuses or drops the connection, or a statement ran out of the engine's time;
            each earlier statement is stored, and the last one may be.
    """
    with _unavailable(engine, also=(psycopg.errors.QueryCanceled,)), engine.connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")


def address(url: URL) -> str:
    """host:port/database, for people: without user and password."""
    return f"{url.host or 'localhost'}:{url.port or 5432}/{url.database}"


@contextlib.contextmanager
def _unavailable(engine: sa.Engine, also: tuple[type[psycopg.Error], ...] = ()) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        driver_error = error.orig if isinstance(error, DBAPIError) else error
        if not (_is_unavailable(driver_error) or isinstance(driver_error, also)):
            raise
        # The first line: what follows is libpq's own advice, and ours is better.
        reason = str(driver_error).strip().partition("\n")[0].rstrip(".") or "no answer"
        raise DatabaseUnavailable(
            f"PostgreSQL at {address(engine.url)} is not available: {reason}.",
            where=address(engine.url),
            remedy="Check that it runs and that DATABASE_URL names it, then try again.",
        ) from error


def _is_unavailable(error: BaseException | None) -> bool:
    if not isinstance(error, psycopg.OperationalError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(_UNAVAILABLE_CLASSES)  # None: no server said it


def _require_version(connection: psycopg.Connection[tuple[object, ...]], _: ConnectionPoolEntry) -> None:
    info = connection.info
    if info.server_version < OLDEST_SERVER * 10_000:
        raise OperatorRequired(
            f"{info.host}:{info.port}/{info.dbname} runs PostgreSQL "
            f"{info.parameter_status('server_version')}; this needs {OLDEST_SERVER} or later.",
            remedy="Upgrade the server, or name another in DATABASE_URL.",
        )
