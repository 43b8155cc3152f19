"""One at a time: what only one process may do at once, wherever it runs, by PostgreSQL's advisory locks.

A lock is known by its name, which begins with `seedtest`: the platform may have locks of its own in the same database.
Stays out: locks on rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

_KEY = "hashtextextended(%(name)s, 0)"  # a bigint, the same on every server


def hold(connection: sa.Connection, name: str) -> None:
    """The lock `name` is ours until the transaction ends; waits for whoever holds it."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_KEY})", {"name": name})


def hold_beyond_transactions(connection: sa.Connection, name: str) -> None:
    """The lock `name` is ours until the connection ends; waits for whoever holds it."""
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({_KEY})", {"name": name})


@contextmanager
def try_hold(connection: sa.Connection, name: str) -> Iterator[bool]:
    """The lock `name` for the time of the block, or False where another connection has it. Transactions may end in the
    block; the server lets go of it when the connection ends, however that happens."""
    got = bool(connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_KEY})", {"name": name}).scalar_one())
    try:
        yield got
    finally:
        if got:
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_KEY})", {"name": name})
