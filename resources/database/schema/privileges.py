"""What the database's role lacks, as the statements that give it: for whoever owns the database to run.

A role that owns only what it makes is enough. Stays out: giving anything.
"""

import sqlalchemy as sa
from psycopg import sql

from resources.database.schema.own_tables import relation_kind
from resources.database.schema.tables import metadata

_READ = ("exam_results", "attempt", "attempt_malformed")
_READING, _WRITING = ("SELECT",), ("SELECT", "INSERT", "UPDATE", "DELETE")


def to_migrate(connection: sa.Connection) -> tuple[str, ...]:
    """Statements without which a migration cannot make its tables, and cannot replace the platform's view."""
    lacking = []
    schema = connection.scalar(sa.text("SELECT current_schema()"))
    if not connection.scalar(sa.text("SELECT has_schema_privilege(:name, 'CREATE')"), {"name": schema}):
        lacking.append(_grant(connection, "USAGE, CREATE", "SCHEMA", schema))
    owned = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('attempt')"
    if connection.scalar(sa.text(owned)) is False:
        lacking.append(sql.SQL("ALTER VIEW attempt OWNER TO {};").format(_role(connection)).as_string())
    return (*lacking, *_on_tables(connection, _READ[:1], _READING))


def to_run(connection: sa.Connection, own_schema: str) -> tuple[str, ...]:
    """Statements without which what is migrated cannot be worked with. `own_schema` is Dagster's."""
    lacking = [
        *_on_tables(connection, _READ, _READING),
        *_on_tables(connection, sorted(set(metadata.tables) - set(_READ)), _WRITING),
    ]
    database = connection.scalar(sa.text("SELECT current_database()"))
    if not connection.scalar(sa.text("SELECT has_database_privilege(current_database(), 'TEMPORARY')")):
        lacking.append(_grant(connection, "TEMPORARY", "DATABASE", database))
    if not schema_exists(connection, own_schema):
        if not connection.scalar(sa.text("SELECT has_database_privilege(current_database(), 'CREATE')")):
            name = sql.Identifier(own_schema)
            made = sql.SQL("CREATE SCHEMA {} AUTHORIZATION {};").format(name, _role(connection))
            lacking.append(made.as_string())
    elif not connection.scalar(
        sa.text("SELECT has_schema_privilege(:name, 'USAGE') AND has_schema_privilege(:name, 'CREATE')"),
        {"name": own_schema},
    ):
        lacking.append(_grant(connection, "USAGE, CREATE", "SCHEMA", own_schema))
    return tuple(lacking)


def schema_exists(connection: sa.Connection, name: str) -> bool:
    return connection.scalar(sa.text("SELECT to_regnamespace(quote_ident(:name))"), {"name": name}) is not None


def _on_tables(connection: sa.Connection, names: tuple[str, ...] | list[str], needed: tuple[str, ...]) -> list[str]:
    """Of those that are there."""
    lacking = []
    for name in names:
        if relation_kind(connection, name) is None:
            continue
        held = sa.text("SELECT bool_and(has_table_privilege(to_regclass(:name), p)) FROM unnest(:needed) AS p")
        needs = held.bindparams(sa.bindparam("needed", list(needed), sa.ARRAY(sa.Text)))
        if not connection.scalar(needs, {"name": name}):
            lacking.append(_grant(connection, ", ".join(needed), "TABLE", name))
    return lacking


def _grant(connection: sa.Connection, privileges: str, kind: str, name: str | None) -> str:
    return (
        sql.SQL("GRANT {} ON {} {} TO {};")
        .format(sql.SQL(privileges), sql.SQL(kind), sql.Identifier(name or "public"), _role(connection))
        .as_string()
    )


def _role(connection: sa.Connection) -> sql.Identifier:
    return sql.Identifier(str(connection.scalar(sa.text("SELECT current_user"))))
