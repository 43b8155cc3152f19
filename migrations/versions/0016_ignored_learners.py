"""Who was forgotten here while the platform still has their answers, and is not to come back by these."""

from alembic import op

from resources.database.schema import undo_log
from resources.database.schema.own_tables import Column, Table, make_table

revision = "0016"
down_revision = "0015"

_IGNORED = Table(
    "ignored_learners",
    columns=(
        Column("user_id", "text", nullable=False),
        Column("ignored_at", "timestamp with time zone", nullable=False),
    ),
    key=("user_id",),
)


def upgrade() -> None:
    make_table(op.get_bind(), revision, _IGNORED)


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
