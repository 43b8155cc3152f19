"""One at a time: what only one process may do at once, wherever it runs, by PostgreSQL's advisory locks.

A lock is known by its name, which begins with `seedtest`: the platform may have locks of its own in the same database.
It is a transaction's: a session's would be lost, or another client's, behind a pooler. Stays out: locks on rows.
"""

import sqlalchemy as sa

RUNS = "seedtest runs"  # each run shares it while its process lives; who must have none beside it holds it

_KEY = "hashtextextended(%(name)s, 0)"  # a bigint, the same on every server


def hold(connection: sa.Connection, name: str) -> None:
    """The lock `name` is ours until the transaction ends; waits for whoever holds it."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_KEY})", {"name": name})


def share(connection: sa.Connection, name: str) -> None:
    """As `hold`, beside others that share it: only who holds the lock `name` is waited for, and waits."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({_KEY})", {"name": name})


def try_hold(connection: sa.Connection, name: str) -> bool:
    """The lock `name` is ours until the transaction ends; False where another transaction has it."""
    return bool(connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({_KEY})", {"name": name}).scalar_one())
