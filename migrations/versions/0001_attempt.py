"""The undo log, exam_results where the platform has none, and the view `attempt` on it."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from psycopg import sql

from resources.database.schema import undo_log
from resources.database.schema.own_tables import Column, Table, existing_columns, make_table, relation_kind
from resources.database.schema.previous_view import statements_to_restore
from resources.errors import InvalidInput

revision = "0001"
down_revision = None

_EXAM_RESULTS = Table(
    "exam_results",
    columns=(
        Column("id", "bigint", numbered=True),
        Column("user_id", "text", nullable=False),
        Column("session_id", "text", nullable=False),
        Column("exam_id", "text"),
        Column("status", "text"),
        Column("result_json", "jsonb"),
        Column("created_at", "timestamp with time zone"),
        Column("updated_at", "timestamp with time zone"),
    ),
    key=("user_id", "session_id"),  # a session that is loaded again finds itself; also the index on user_id
    indexes=(("updated_at",),),
)
_READ_AS_JSONB = {
    "jsonb": "exam_results.{}",
    "json": "seedtest_jsonb(exam_results.{}::text)",
    "text": "seedtest_jsonb(exam_results.{})",
    "character varying": "seedtest_jsonb(exam_results.{})",
}
_READ_AS_INSTANT = {
    "timestamp with time zone": "exam_results.{}",
    "timestamp without time zone": "(exam_results.{} AT TIME ZONE 'UTC')",
}
# What the platform's other parts rely on: names, order and types.
_LOCKED = [
    ("id", "bigint"),
    ("student_id", "uuid"),
    ("item_id", "bigint"),
    ("correct", "boolean"),
    ("response_time_ms", "integer"),
    ("hint_used", "boolean"),
    ("completed_at", "timestamp with time zone"),
    ("started_at", "timestamp with time zone"),
    ("attempt_no", "integer"),
    ("session_id", "text"),
    ("topic_id", "text"),
]
_FUNCTIONS = (
    "seedtest_jsonb(text)",
    "seedtest_instant(text, timestamptz, timestamptz)",
    "seedtest_question_fault(jsonb)",
    "seedtest_session_fault(text, timestamptz, boolean, jsonb)",
)


def upgrade() -> None:
    connection = op.get_bind()
    undo_log.open_log(connection)
    replaced = _replaced_view(connection)
    if relation_kind(connection, "exam_results") is None:
        make_table(connection, revision, _EXAM_RESULTS)
    undo_log.run(connection, _view_sql(connection))
    for function in _FUNCTIONS:
        undo_log.record(connection, revision, "created function", function, sql.SQL(f"DROP FUNCTION {function}"))
    undo_log.record(connection, revision, "created view", "attempt_malformed", sql.SQL("DROP VIEW attempt_malformed"))
    drop = sql.SQL("DROP VIEW attempt")
    if replaced is None:
        undo_log.record(connection, revision, "created view", "attempt", drop)
    else:
        undo_log.record(connection, revision, "replaced view", "attempt", sql.SQL(";\n").join([drop, replaced]))


def downgrade() -> None:
    connection = op.get_bind()
    undo_log.undo(connection, revision)
    undo_log.close_log(connection)


def _replaced_view(connection: sa.Connection) -> sql.Composable | None:
    """How to bring back the `attempt` that this migration replaces; None where there is none."""
    kind = relation_kind(connection, "attempt")
    if kind is None:
        return None
    found = [(name, column.type) for name, column in existing_columns(connection, "attempt").items()]
    if kind != "v" or found != _LOCKED:
        raise InvalidInput(
            f"{('View' if kind == 'v' else 'Table')} attempt exists with other columns "
            f"({', '.join((f'{name} {type_}' for name, type_ in found))}) than the platform's locked "
            f"ones ({', '.join((f'{name} {type_}' for name, type_ in _LOCKED))})",
            remedy="rename it.",
            outcome="Nothing was changed.",
        )
    if relation_kind(connection, "exam_results") is None:
        raise InvalidInput(
            "View attempt exists, but there is no exam_results that this pipeline's view could read instead",
            remedy="rename the view, or create exam_results.",
            outcome="Nothing was changed.",
        )
    return statements_to_restore(connection, "attempt")


def _view_sql(connection: sa.Connection) -> str:
    """The view's SQL, made for the types of this database's exam_results."""
    columns = existing_columns(connection, "exam_results")
    missing = [column.name for column in _EXAM_RESULTS.columns if column.name not in {*columns, "exam_id", "status"}]
    if missing:
        raise InvalidInput(
            f"exam_results has no column {', '.join(missing)}, which the view attempt reads.",
            outcome="Nothing was changed.",
        )

    def read(column: str, readings: dict[str, str]) -> str:
        type_ = columns[column].type
        if type_ not in readings:
            raise InvalidInput(
                f"exam_results.{column} is of type {type_}, and the view attempt can read {' or '.join(readings)}.",
                remedy="Change the column's type.",
                outcome="Nothing was changed.",
            )
        return readings[type_].format(column)

    text = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    text = text.replace("{result}", read("result_json", _READ_AS_JSONB))
    for column in ("created_at", "updated_at"):
        text = text.replace(f"{{{column}}}", read(column, _READ_AS_INSTANT))
    return text
