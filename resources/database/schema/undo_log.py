"""What the migrations did to this database, with the statement that takes each step back: a stack, undone from the top.

A platform's tables and ours share a schema, and only the undo log knows whose is what. Stays out: what to make.
"""

import sqlalchemy as sa
from psycopg import errors, sql
from sqlalchemy.exc import DBAPIError

from resources.errors import InvalidInput

TABLE = "seedtest_ledger"


def open_log(connection: sa.Connection) -> None:
    run(
        connection,
        f"""
        CREATE TABLE {TABLE} (
            step bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            revision text NOT NULL,
            action text NOT NULL,
            object text NOT NULL,
            undo text NOT NULL,
            done_at timestamptz NOT NULL DEFAULT now()
        )""",
    )
    run(
        connection,
        f"COMMENT ON TABLE {TABLE} IS 'seedtest: what its migrations made or changed here, and how to undo it'",
    )


def close_log(connection: sa.Connection) -> None:
    run(connection, f"DROP TABLE {TABLE}")


def run(connection: sa.Connection, statement: str | sql.Composable) -> None:
    """Execute as it stands: no placeholders, so a `%` or a `:` in it means itself."""
    text = statement if isinstance(statement, str) else statement.as_string()
    connection.exec_driver_sql(text, execution_options={"no_parameters": True})


def record(connection: sa.Connection, revision: str, action: str, name: str, undo: sql.Composable) -> None:
    """Put on the stack that `action` was done to the object called `name`."""
    connection.execute(
        sa.text(f"INSERT INTO {TABLE} (revision, action, object, undo) VALUES (:revision, :action, :object, :undo)"),  # noqa: S608 - TABLE is ours
        {"revision": revision, "action": action, "object": name, "undo": undo.as_string()},
    )


def is_ours(connection: sa.Connection, name: str) -> bool:
    """Whether a migration of ours created the table or view `name`; false before the first one."""
    if connection.scalar(sa.text("SELECT to_regclass(:log)"), {"log": TABLE}) is None:
        return False
    query = sa.text(f"SELECT FROM {TABLE} WHERE object = :name AND action LIKE 'created %'")
    return connection.execute(query, {"name": name}).first() is not None


def undo(connection: sa.Connection, revision: str) -> None:
    """Take back all steps of `revision`, the last one first.

    Raises:
        InvalidInput: something that is not ours depends on what would go.
    """
    steps = connection.execute(
        sa.text(f"DELETE FROM {TABLE} WHERE revision = :revision RETURNING step, object, undo"),  # noqa: S608 - as above
        {"revision": revision},
    ).all()
    for _, name, statement in sorted(steps, reverse=True):
        try:
            run(connection, statement)
        except DBAPIError as error:
            if not isinstance(error.orig, errors.DependentObjectsStillExist):
                raise
            raise InvalidInput(
                f"{name} cannot be taken back: {error.orig.diag.message_detail}",
                remedy="Drop what depends on it first, and make it again afterwards.",
                outcome="Nothing was changed.",
            ) from error
