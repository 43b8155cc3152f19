"""What the predecessor had, too, lies in tables of our own names; the platform's readers find it under the old ones.

Until here a table of the platform's was shared where it fitted. Its keys may be narrower than ours, and who migrates
need not own it: now it is left as it is.
"""

import sqlalchemy as sa
from alembic import op
from psycopg import sql

from resources.database.schema import readers, undo_log
from resources.database.schema.own_tables import Table, make_table, relation_kind
from resources.database.schema.predecessor_tables import MIRT_ABILITY, MIRT_FIT_META, MIRT_ITEM_PARAMS, REPORT_ARTIFACTS

revision = "0009"
down_revision = "0008"

# Of a table that was shared, the rows that are ours. Item parameters first: theirs are told by the fits.
_OURS = {
    MIRT_ITEM_PARAMS: "version IN (SELECT version FROM mirt_fit_meta WHERE details IS NOT NULL)",
    MIRT_FIT_META: "details IS NOT NULL",
    MIRT_ABILITY: "as_of IS NOT NULL",
    REPORT_ARTIFACTS: "sha256 IS NOT NULL",
}


def upgrade() -> None:
    connection = op.get_bind()
    for table, ours in _OURS.items():
        assert table.beside is not None  # noqa: S101 - each of the four has one
        if relation_kind(connection, table.beside) is not None:
            continue
        if undo_log.is_ours(connection, table.name):
            _rename(connection, table.name, table.beside)
        else:
            _part(connection, table, table.beside, ours)
    for table in _OURS:
        readers.serve(connection, revision, table)
    readers.show_bank_in_force(connection, revision)


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)


def _rename(connection: sa.Connection, name: str, new: str) -> None:
    rename = sql.SQL("ALTER TABLE {} RENAME TO {}")
    undo_log.run(connection, rename.format(sql.Identifier(name), sql.Identifier(new)))
    undo_log.record(
        connection, revision, "renamed table", new, rename.format(sql.Identifier(new), sql.Identifier(name))
    )


def _part(connection: sa.Connection, table: Table, name: str, ours: str) -> None:
    """A table beside the one that was shared, with our rows. There they stay, for the platform's readers, and a
    downgrade brings them up to date."""
    make_table(connection, revision, table)
    columns = [column.name for column in table.columns if not column.numbered]
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    copy = sql.SQL("INSERT INTO {} ({listed}) SELECT {listed} FROM {}")
    theirs, own = sql.Identifier(table.name), sql.Identifier(name)
    undo_log.run(connection, copy.format(own, theirs, listed=listed) + sql.SQL(f" WHERE {ours}"))
    undo_log.record(
        connection, revision, "copied rows", name,
        copy.format(theirs, own, listed=listed)
        + sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {}").format(
            sql.SQL(", ").join(map(sql.Identifier, table.key)),
            sql.SQL(", ").join(
                sql.SQL("{0} = excluded.{0}").format(sql.Identifier(column))
                for column in columns if column not in table.key
            ),
        ),
    )  # fmt: skip
