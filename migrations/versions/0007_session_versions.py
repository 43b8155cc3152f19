"""Which sessions of a week were looked at last: late answers are then found without reading the others again."""

from alembic import op

from resources.database.schema import undo_log
from resources.database.schema.own_tables import Column, Table, make_table

revision = "0007"
down_revision = "0006"

_SEEN = Table(
    "session_versions",
    columns=(
        Column("week_start", "date", nullable=False),
        Column("user_key", "text", nullable=False),
        Column("buckets", "integer", nullable=False),
        Column("version", "text", nullable=False),
        Column("checksum", "text", nullable=False),
    ),
    key=("week_start", "user_key"),
)


def upgrade() -> None:
    make_table(op.get_bind(), revision, _SEEN)


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
