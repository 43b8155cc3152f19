"""Tables that may be there already: made where missing, adopted where a platform or the predecessor has them.

Adopting adds what is missing and never changes or removes anything: a table that cannot serve stops the migration with
one sentence. Stays out: which tables there are (`migrations/versions`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from psycopg import errors, sql
from sqlalchemy.exc import DBAPIError

from resources.database.schema import undo_log
from resources.errors import InvalidInput

# Types of an existing column that take and give the same values as ours. A timestamp without time zone does so because
# every session of ours is in UTC. `real` would not: it halves the digits of an estimate.
_SERVES = {
    "text": {"text", "character varying"},
    "integer": {"integer", "bigint"},
    "bigint": {"bigint", "integer"},
    "double precision": {"double precision", "numeric"},
    "timestamp with time zone": {"timestamp with time zone", "timestamp without time zone"},
    "jsonb": {"jsonb", "json"},
}


@dataclass(frozen=True)
class Column:
    name: str
    type: str  # as PostgreSQL's format_type writes it
    nullable: bool = True
    numbered: bool = False  # the database numbers the rows; then this is the primary key


@dataclass(frozen=True)
class Table:
    """`key` tells one row from another: the primary key, or a unique one beside a numbered column."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Existing:
    type: str
    not_null: bool
    has_default: bool


def make_table(connection: sa.Connection, revision: str, table: Table) -> None:
    """Create the table, or adopt the one of that name.

    Raises:
        InvalidInput: there is one, and it cannot serve.
    """
    kind = relation_kind(connection, table.name)
    if kind is None:
        _create(connection, revision, table)
    elif kind in ("r", "p"):
        _adopt(connection, revision, table)
    else:
        raise InvalidInput(
            f"{table.name} exists and is not a table",
            where=table.name,
            remedy="rename it.",
            outcome="Nothing was changed.",
        )


def add_columns(connection: sa.Connection, revision: str, table: str, columns: Sequence[Column]) -> None:
    """Add those of the columns that the table lacks, as nullable ones.

    Raises:
        InvalidInput: one is there, and it cannot serve.
    """
    existing = existing_columns(connection, table)
    name = sql.Identifier(table)
    for column in columns:
        if there := existing.get(column.name):
            _require_serves(table, column, there)
            continue
        undo_log.run(connection, sql.SQL("ALTER TABLE {} ADD COLUMN {}").format(name, _definition(column)))
        drop = sql.SQL("ALTER TABLE {} DROP COLUMN {}").format(name, sql.Identifier(column.name))
        undo_log.record(connection, revision, "added column", f"{table}.{column.name}", drop)


def relation_kind(connection: sa.Connection, name: str) -> str | None:
    """pg_class.relkind of what `name` means on the search path; None where it means nothing."""
    query = sa.text("SELECT relkind::text FROM pg_class WHERE oid = to_regclass(:name)")
    kind: str | None = connection.scalar(query, {"name": name})
    return kind


def existing_columns(connection: sa.Connection, name: str) -> dict[str, Existing]:
    """The columns of a table or view, in their order."""
    query = sa.text(
        "SELECT attname, format_type(atttypid, NULL), attnotnull, atthasdef OR attidentity <> '' FROM pg_attribute "
        "WHERE attrelid = to_regclass(:name) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    return {column: Existing(*rest) for column, *rest in connection.execute(query, {"name": name})}


def _create(connection: sa.Connection, revision: str, table: Table) -> None:
    name = sql.Identifier(table.name)
    numbered = [column.name for column in table.columns if column.numbered]
    parts = [_definition(column, force_nullable=False) for column in table.columns]
    parts.append(sql.SQL("PRIMARY KEY ({})").format(_names(numbered or table.key)))
    if numbered:
        parts.append(sql.SQL("UNIQUE ({})").format(_names(table.key)))
    undo_log.run(connection, sql.SQL("CREATE TABLE {} ({})").format(name, sql.SQL(", ").join(parts)))
    for index in table.indexes:
        undo_log.run(connection, sql.SQL("CREATE INDEX ON {} ({})").format(name, _names(index)))
    undo_log.record(connection, revision, "created table", table.name, sql.SQL("DROP TABLE {}").format(name))


def _adopt(connection: sa.Connection, revision: str, table: Table) -> None:
    existing = existing_columns(connection, table.name)
    ours = {column.name for column in table.columns}
    for unknown in existing.keys() - ours:
        if existing[unknown].not_null and not existing[unknown].has_default:
            raise InvalidInput(
                f"{table.name}.{unknown} must not be NULL and has no default, and this pipeline, not "
                "knowing it, could not write a row",
                where=table.name,
                remedy="give it a default, or rename the table.",
                outcome="Nothing was changed.",
            )
    add_columns(connection, revision, table.name, table.columns)
    if not _has_key(connection, table):
        _add_key(connection, revision, table)


def _require_serves(table: str, column: Column, there: Existing) -> None:
    if column.numbered:
        if not there.has_default:
            raise InvalidInput(
                f"{table}.{column.name} has no default, and this pipeline leaves numbering to the database",
                where=table,
                remedy="make it an identity column.",
                outcome="Nothing was changed.",
            )
    elif there.type not in _SERVES.get(column.type, {column.type}):
        raise InvalidInput(
            f"{table}.{column.name} is of type {there.type} and cannot hold {column.type}",
            where=table,
            remedy=f"change its type (ALTER TABLE {table} ALTER COLUMN {column.name} TYPE "
            f"{column.type}), or rename the table.",
            outcome="Nothing was changed.",
        )


def _has_key(connection: sa.Connection, table: Table) -> bool:
    """Whether ON CONFLICT on the key finds a unique index: of the whole table, on plain columns.

    Raises:
        InvalidInput: it is deferrable, and PostgreSQL then refuses ON CONFLICT, whatever other index there is.
    """
    query = sa.text(
        "SELECT i.indimmediate, i.indexrelid::regclass::text FROM pg_index i WHERE indrelid = to_regclass(:table) "
        "AND indisunique AND indisvalid AND indpred IS NULL AND indexprs IS NULL "
        'AND (SELECT array_agg(attname::text ORDER BY attname::text COLLATE "C") FROM pg_attribute a '
        "     WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) = :key"
    )
    keys = connection.execute(query, {"table": table.name, "key": sorted(table.key)}).all()
    for immediate, name in keys:
        if not immediate:
            raise InvalidInput(
                f"{table.name} has a deferrable key, {name}, and PostgreSQL takes no upserts there",
                where=table.name,
                remedy="drop that constraint and add it again without DEFERRABLE, or rename the table.",
                outcome="Nothing was changed.",
            )
    return bool(keys)


def _add_key(connection: sa.Connection, revision: str, table: Table) -> None:
    name, constraint = sql.Identifier(table.name), sql.Identifier(f"seedtest_{table.name}_key")
    add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} UNIQUE ({})").format(name, constraint, _names(table.key))
    try:
        undo_log.run(connection, add)
    except DBAPIError as error:
        if not isinstance(error.orig, errors.UniqueViolation):
            raise
        raise InvalidInput(
            f"{table.name} needs one row per {', '.join(table.key)}, and has more: {error.orig.diag.message_detail}",
            where=table.name,
            remedy="Remove the surplus rows, or rename the table.",
            outcome="Nothing was changed.",
        ) from error
    drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(name, constraint)
    undo_log.record(connection, revision, "added key", f"{table.name} ({', '.join(table.key)})", drop)


def _definition(column: Column, *, force_nullable: bool = True) -> sql.Composable:
    parts: list[sql.Composable] = [sql.Identifier(column.name), sql.SQL(column.type)]
    if column.numbered:
        parts.append(sql.SQL("GENERATED BY DEFAULT AS IDENTITY"))
    elif not column.nullable and not force_nullable:
        parts.append(sql.SQL("NOT NULL"))
    return sql.SQL(" ").join(parts)


def _names(columns: list[str] | tuple[str, ...]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
