"""The platform's readers of the predecessor's four tables: they find what this pipeline makes under the old names.

Where the platform has no such table, its name is a view of ours. Where it has one, that one stays the platform's, and
each row of ours is also written there, as long as our role may write it. A row that the platform wrote itself is never
changed: there, a row is ours only while it holds just what we wrote.

`mirt_item_params` is not written through: the predecessor's key is the item alone, and parameters of two scales would
stand in one table. `seedtest_item_params_in_force` has its columns, with the bank in force.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from psycopg import sql

from resources.database.schema import undo_log
from resources.database.schema.own_tables import Table, existing_columns, relation_kind
from resources.database.schema.previous_view import grants

IN_FORCE = "seedtest_item_params_in_force"


@dataclass(frozen=True)
class _Written:
    """Columns of the platform's table by what stands in them, of a row of ours called `row`; and which of them tell
    one row from another and show that it holds what we wrote."""

    values: Mapping[str, str]
    known_by: tuple[str, ...]


_WRITTEN = {
    "mirt_ability": _Written(
        {"user_id": "row.user_id", "theta": "row.theta", "se": "row.se", "model": "row.model",
         "version": "row.version", "fitted_at": "row.fitted_at"},
        ("user_id", "version", "model", "theta", "fitted_at"),
    ),
    "mirt_fit_meta": _Written(
        {"run_id": "row.version", "model_spec": "jsonb_build_object('model', row.model)",
         "metrics": "jsonb_build_object('converged', row.converged, 'cycles', row.cycles, 'log_likelihood', "
                    "row.log_likelihood, 'n_users', row.n_users, 'n_items', row.n_items, 'n_responses', "
                    "row.n_responses)",
         "fitted_at": "row.fitted_at"},
        ("run_id", "fitted_at"),
    ),
    "report_artifacts": _Written(
        {"user_id": "row.user_id", "week_start": "row.week_start", "format": "row.format", "url": "row.url",
         "generated_at": "row.generated_at"},
        ("user_id", "week_start", "format", "url", "generated_at"),
    ),
}  # fmt: skip

# In UTC: a column without a time zone must compare equal to what was written there. ON CONFLICT: theirs stays. Once a
# statement, and not a row: a week's 100,000 rows take seconds in place of a minute.
_FUNCTION = """
CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $$
BEGIN
    IF NOT seedtest_may_write({name}) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN
        DELETE FROM {theirs} AS t USING old_rows AS was WHERE {is_what_we_wrote};
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        WITH pairs AS MATERIALIZED (  -- or each row would be looked for among all
            SELECT was, made FROM old_rows AS was JOIN new_rows AS made USING ({key})
        )
        UPDATE {theirs} AS t SET ({columns}) = ROW ({made_of_pair}) FROM pairs WHERE {is_what_we_wrote_of_pair};
    END IF;
    INSERT INTO {theirs} ({columns}) SELECT {made} FROM new_rows AS made ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER {inserted} AFTER INSERT ON {ours} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE TRIGGER {updated} AFTER UPDATE ON {ours} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE TRIGGER {deleted} AFTER DELETE ON {ours} REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
"""
_TAKE_BACK = """
DROP FUNCTION {function}() CASCADE;
SET LOCAL timezone = 'UTC';
DO $$
BEGIN
    IF seedtest_may_write({name}) THEN
        DELETE FROM {theirs} AS t USING {ours} AS was WHERE {is_what_we_wrote};
    END IF;
END $$
"""
_MAY_WRITE = """
CREATE FUNCTION seedtest_may_write(name text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(bool_and(has_table_privilege(to_regclass(name), needed)), false)
        AND NOT EXISTS (
            SELECT FROM pg_depend d JOIN pg_class s ON s.oid = d.objid
            WHERE d.refobjid = to_regclass(name) AND d.deptype = 'a'
                AND CASE WHEN s.relkind = 'S' THEN NOT has_sequence_privilege(s.oid, 'USAGE') END
        )
    FROM unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) AS needed WHERE to_regclass(name) IS NOT NULL
$$
"""
_SHOW_BANK = f"""
CREATE VIEW {IN_FORCE} AS SELECT item_id, model, params, version, fitted_at FROM seedtest_mirt_item_params
WHERE version = (
    SELECT version FROM seedtest_mirt_fit_meta WHERE adopted_at IS NOT NULL
    ORDER BY adopted_at DESC, version DESC LIMIT 1
)
"""  # noqa: S608 - put together from our own constants


def serve(connection: sa.Connection, revision: str, table: Table) -> None:
    """A view of our table under the old name, or our rows in the platform's table, where they fit into it."""
    assert table.beside is not None  # noqa: S101 - each of the predecessor's has one
    if relation_kind(connection, table.name) is None:
        _show(connection, revision, table.name, table.beside)
    elif table.name in _WRITTEN and is_the_platforms(connection, table.name) and _fits(connection, table.name):
        _write_through(connection, revision, table)


def show_bank_in_force(connection: sa.Connection, revision: str) -> None:
    undo_log.run(connection, _SHOW_BANK)
    undo_log.record(connection, revision, "created view", IN_FORCE, sql.SQL(f"DROP VIEW {IN_FORCE}"))


def is_the_platforms(connection: sa.Connection, name: str) -> bool:
    """Whether one of the four is a table: ours has another name, and under this one at most a view."""
    return relation_kind(connection, name) in ("r", "p")


def unserved(connection: sa.Connection) -> tuple[str, ...]:
    """A sentence for each of the platform's tables whose readers see nothing of what this pipeline makes."""
    told = []
    for name in (*_WRITTEN, "mirt_item_params"):
        if not is_the_platforms(connection, name):
            continue
        told_of = f"{name} is the platform's own, and its readers see nothing new there"
        if name == "mirt_item_params":
            told.append(f"{told_of}: the bank in force is to be had from {IN_FORCE}.")
        elif relation_kind(connection, f"seedtest_{name}") is None or not _is_written(connection, name):
            told.append(f"{told_of}: it has other columns than the predecessor's.")
        elif not connection.scalar(sa.text("SELECT seedtest_may_write(:name)"), {"name": name}):
            told.append(f"{told_of}. To write it there, too: {_grant(connection, name)}")
    return tuple(told)


def _show(connection: sa.Connection, revision: str, name: str, ours: str) -> None:
    view, table = sql.Identifier(name), sql.Identifier(ours)
    undo_log.run(connection, sql.SQL("CREATE VIEW {} AS SELECT * FROM {}").format(view, table))
    for grant in grants(connection, ours, on=view):
        undo_log.run(connection, grant)
    undo_log.record(connection, revision, "created view", name, sql.SQL("DROP VIEW {}").format(view))


def _fits(connection: sa.Connection, name: str) -> bool:
    columns = existing_columns(connection, name)
    filled = {column for column, of in columns.items() if of.not_null and not of.has_default}
    return filled <= _WRITTEN[name].values.keys() <= columns.keys()


def _write_through(connection: sa.Connection, revision: str, table: Table) -> None:
    if connection.scalar(sa.text("SELECT to_regproc('seedtest_may_write')")) is None:
        undo_log.run(connection, _MAY_WRITE)
        undo_log.record(
            connection, revision, "created function", "seedtest_may_write",
            sql.SQL("DROP FUNCTION seedtest_may_write(text)"),
        )  # fmt: skip
    written = _WRITTEN[table.name]

    def same(was: str) -> sql.SQL:
        return sql.SQL(" AND ".join(f"t.{name} = {_of(written.values[name], was)}" for name in written.known_by))

    def values(made: str) -> sql.SQL:
        return sql.SQL(", ".join(_of(value, made) for value in written.values.values()))

    function = f"seedtest_show_{table.name}"
    names = {
        "function": function, "inserted": f"{function}_inserted", "updated": f"{function}_updated",
        "deleted": f"{function}_deleted", "ours": table.beside or table.name, "theirs": table.name,
    }  # fmt: skip
    parts: dict[str, sql.Composable] = {
        **{name: sql.Identifier(of) for name, of in names.items()},
        "name": sql.Literal(table.name), "columns": sql.SQL(", ".join(written.values)),
        "made": values("made"), "made_of_pair": values("(pairs.made)"), "is_what_we_wrote": same("was"),
        "is_what_we_wrote_of_pair": same("(pairs.was)"), "key": sql.SQL(", ").join(map(sql.Identifier, table.key)),
    }  # fmt: skip
    undo_log.run(connection, sql.SQL(_FUNCTION).format(**parts))
    undo_log.record(connection, revision, "writes into", table.name, sql.SQL(_TAKE_BACK).format(**parts))


def _of(value: str, row: str) -> str:
    return value.replace("row.", f"{row}.")


def _is_written(connection: sa.Connection, name: str) -> bool:
    query = sa.text("SELECT to_regproc(:function)")
    return connection.scalar(query, {"function": f"seedtest_show_{name}"}) is not None


def _grant(connection: sa.Connection, name: str) -> str:
    role = sql.Identifier(str(connection.scalar(sa.text("SELECT current_user"))))
    statement = sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {};").format(sql.Identifier(name), role)
    sequences = connection.scalars(
        sa.text(
            "SELECT d.objid::regclass::text FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' "
            "WHERE d.refobjid = to_regclass(:name) AND d.deptype = 'a'"
        ),
        {"name": name},
    )
    more = [
        sql.SQL(" GRANT USAGE ON SEQUENCE {} TO {};").format(sql.SQL(sequence), role).as_string()
        for sequence in sequences
    ]
    return statement.as_string() + "".join(more)
