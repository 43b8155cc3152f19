"""The one shape of answers as a table: as the database's rows arrive, as a week is frozen, as it is read again."""

import pyarrow as pa

_COLUMNS: dict[str, pa.DataType] = {
    "user_id": pa.large_string(),
    "item_key": pa.large_string(),
    "correct": pa.bool_(),  # null: not answered
    "completed_at": pa.timestamp("us", "UTC"),
    "response_time_ms": pa.int32(),  # null: not recorded
    "session_id": pa.large_string(),
    "topic_id": pa.large_string(),
    "attempt_no": pa.int32(),
    "hint_used": pa.bool_(),  # null: not recorded
    "omitted": pa.bool_(),  # false: not reached (see `blanks`); null: answered, or frozen before this was told
}
SCHEMA = pa.schema(_COLUMNS)


def ordered(table: pa.Table) -> pa.Table:
    """By user, time and every other column: equal answers in one order, whatever order the database found them in.

    By every column, since a session may hold the same answer twice at one instant.
    """
    first = ("user_id", "completed_at", "session_id", "item_key", "attempt_no")
    rest = [name for name in SCHEMA.names if name not in first]
    return table.sort_by([(name, "ascending") for name in (*first, *rest)])
