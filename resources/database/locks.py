"""One at a time: what only one process may do at once, wherever it runs. Stays out: locks on rows."""

import sqlalchemy as sa


def hold(connection: sa.Connection, name: str) -> None:
    """The lock `name` is ours until the transaction ends; waits for whoever holds it."""
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))", {"name": name})
