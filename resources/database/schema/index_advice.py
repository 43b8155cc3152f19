"""What would make a platform's exam_results faster to read: told to a person, never done to a table not ours."""

import sqlalchemy as sa

from resources.database.engine import transaction
from resources.database.schema.own_tables import existing_columns, relation_kind

_PURPOSES = {"user_id": "one user's sessions", "updated_at": "one week's sessions"}
_TEXT = ("text", "character varying")


def missing_indexes(engine: sa.Engine) -> tuple[str, ...]:
    """One sentence with its SQL for each index that exam_results lacks; none where the table is ours, or missing."""
    with transaction(engine) as connection:
        if relation_kind(connection, "exam_results") is None:
            return ()
        columns = existing_columns(connection, "exam_results")
        led_by = set(connection.scalars(sa.text(
            "SELECT pg_get_indexdef(indexrelid, 1, true) FROM pg_index "
            "WHERE indrelid = to_regclass('exam_results') AND indisvalid AND indpred IS NULL"
        )))  # fmt: skip
    advice = []
    for column, purpose in _PURPOSES.items():
        # The view gives the user id as text, so only an index on that text helps where the column is something else.
        as_read = column if column != "user_id" or columns[column].type in _TEXT else f"({column}::text)"
        if as_read not in led_by:
            advice.append(
                f"Reading {purpose} scans all of exam_results. An index would help: "
                f"CREATE INDEX CONCURRENTLY ON exam_results ({as_read});"
            )
    return tuple(advice)
