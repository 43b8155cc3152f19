"""Engines and transactions: one way to reach PostgreSQL, and one place where what it refuses becomes our error."""

import contextlib
from collections.abc import Iterator
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from resources.database import faults
from resources.database.address import parse
from resources.database.session import Sessions, is_pooled, set_in_each

_CONNECT_TIMEOUT_S = 10
_PLANS_KEPT_S = 300
# A peer that is gone is noticed within some 20 s: by keepalives while a long query is waited for, and by the last while
# something sent is not acknowledged, when keepalives are not sent.
NOTICES_THE_DEAD = {
    "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 20_000,
}  # fmt: skip

_REQUIRE_WRITABLE = """
    DO $$ BEGIN
        IF current_setting('transaction_read_only')::boolean THEN
            RAISE 'all its transactions are read-only' USING ERRCODE = 'read_only_sql_transaction';
        END IF;
    END $$
"""


def make_engine(
    url: str,
    application_name: str = "seedtest",
    *,
    statement_timeout_s: float | None = None,
    pool_size: int = 5,
    ping: bool = True,
    keeps_plans: bool = False,
) -> sa.Engine:
    """A pool of connections in UTC; connects only when used. Statements run as long as they need, unless told.

    Without `ping` a connection that broke while it was idle is noticed by who uses it next: one caller fails, and all
    of that age are replaced. With it each use costs a round trip more, and nobody fails.

    With `keeps_plans`, a statement that asks to be prepared is planned once per connection and not at each use. A
    connection then lives for minutes, and so does a plan that was made for tables as they were.

    Raises:
        InvalidInput: `url` is not a PostgreSQL address. The message leaves the address out: it may hold a password.
    """
    parsed = parse(url)
    engine = sa.create_engine(
        parsed,
        pool_pre_ping=ping,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_recycle=_PLANS_KEPT_S if keeps_plans else -1,
        hide_parameters=True,  # they are learners' ids and answers
        connect_args={
            "application_name": application_name,
            "connect_timeout": round(min(_CONNECT_TIMEOUT_S, statement_timeout_s or _CONNECT_TIMEOUT_S)),
            # No statement is prepared unless it asks for that. PostgreSQL keeps a plan, also one that it made while the
            # table was empty: a week's states of 100,000 learners took minutes instead of seconds. And a pooler mixes
            # them up: answers belonged to other queries.
            "prepare_threshold": None,
            **NOTICES_THE_DEAD,
        },
    )
    Sessions(statement_timeout_s, bool(parsed.query.get("options")), keeps_plans).watch(engine)
    sa.event.listen(engine, "handle_error", _leave_the_old_primary)
    return engine


@contextlib.contextmanager
def transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction: committed at the end of the block, rolled back if the block raises.

    Raises:
        DatabaseUnavailable: the server cannot do it now, or drops the connection; nothing of the block was stored,
            unless the connection broke during the commit itself.
        OperatorRequired: the server will not do it (`faults`); nothing of the block was stored.
    """
    with _explained(engine), engine.begin() as connection:
        yield connection


@contextlib.contextmanager
def statements(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection on which each statement is a transaction of its own: for single statements in a hurry, which BEGIN
    and COMMIT would make three times as long.

    Behind a pooler, which does not keep a session's settings, the block is a transaction; `commit` before what takes
    long between two statements, or the pooler keeps a session for it.

    Raises:
        DatabaseUnavailable: the server cannot do it now, or drops the connection; each earlier statement may be stored.
        OperatorRequired: the server will not do it (`faults`).
    """
    with _explained(engine), engine.connect() as connection:
        if not is_pooled(connection):
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        yield connection
        connection.commit()


@contextlib.contextmanager
def driver_connection(engine: sa.Engine) -> Iterator[psycopg.Connection[Any]]:
    """As `statements`, of the same pool, without SQLAlchemy between: it takes as long again as the driver, which only
    an update on demand has to care about.

    Raises:
        DatabaseUnavailable: as `statements`.
        OperatorRequired: as `statements`.
    """
    pool = engine.pool
    with _explained(engine):
        pooled = engine.raw_connection()
        try:
            connection = cast("psycopg.Connection[Any]", pooled.driver_connection)
            connection.autocommit = not (in_each := set_in_each(pooled.info))
            if in_each:
                connection.execute(in_each)
            yield connection
            connection.commit()
            connection.autocommit = False
        except BaseException as error:
            broken = connection.closed or faults.is_read_only(error)
            pooled.invalidate(error)  # which closes it
            if broken and engine.pool is pool:
                engine.dispose()  # what is as old as this one is broken, too
            raise
        finally:
            pooled.close()


def require_writable(engine: sa.Engine) -> None:
    """Raises DatabaseUnavailable where the database takes no writes, as a standby."""
    with statements(engine) as connection:
        connection.exec_driver_sql(_REQUIRE_WRITABLE)


def _leave_the_old_primary(context: sa.ExceptionContext) -> None:
    """After a failover old connections lead to a server that takes no writes: all are replaced, as broken ones are."""
    if faults.is_read_only(context.original_exception):
        context.is_disconnect = True


@contextlib.contextmanager
def _explained(engine: sa.Engine) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        faults.forget_values(error)
        if explained := faults.explained(error, engine.url):
            raise explained from error
        raise
