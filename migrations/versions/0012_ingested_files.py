"""Which sessions each ingested file wrote, and what stood there before, so that a file can be taken back by its name;
and what an items file tells of items, for reports.
"""

from alembic import op

from resources.database.schema import undo_log
from resources.database.schema.own_tables import Column, Table, make_table

revision = "0012"
down_revision = "0011"

_FILES = Table(
    "ingested_files",
    columns=(
        Column("load_no", "bigint", numbered=True),
        Column("name", "text", nullable=False),
        Column("loaded_at", "timestamp with time zone", nullable=False),
    ),
    key=("name", "loaded_at"),
)
_SESSIONS = Table(
    "ingested_sessions",
    columns=(
        Column("load_no", "bigint", nullable=False),
        Column("user_id", "text", nullable=False),
        Column("session_id", "text", nullable=False),
        Column("before", "jsonb"),
        Column("after", "bigint", nullable=False),
    ),
    key=("load_no", "user_id", "session_id"),
)
_ITEMS = Table(
    "item_details",
    columns=(
        Column("item_id", "text", nullable=False),
        Column("title", "text"),
        Column("topic", "text"),
        Column("url", "text"),
        Column("exam", "text"),
        Column("key", "text"),
    ),
    key=("item_id",),
)


def upgrade() -> None:
    for table in (_FILES, _SESSIONS, _ITEMS):
        make_table(op.get_bind(), revision, table)


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
