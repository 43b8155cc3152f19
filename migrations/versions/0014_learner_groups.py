"""Who is in which group, learners and teachers, and which reports of groups there are."""

from alembic import op

from resources.database.schema import undo_log
from resources.database.schema.own_tables import Column, Table, make_table

revision = "0014"
down_revision = "0013"

_GROUPS = Table(
    "learner_groups",
    columns=(
        Column("group_id", "text", nullable=False),
        Column("user_id", "text", nullable=False),
        Column("role", "text", nullable=False),
        Column("name", "text"),
    ),
    key=("group_id", "user_id"),
    indexes=(("user_id",),),
)
_REPORTS = Table(
    "class_reports",
    columns=(
        Column("group_id", "text", nullable=False),
        Column("week_start", "date", nullable=False),
        Column("format", "text", nullable=False),
        Column("url", "text", nullable=False),
        Column("generated_at", "timestamp with time zone", nullable=False),
        Column("sha256", "text", nullable=False),
        Column("inputs_sha256", "text", nullable=False),
        Column("learners", "text[]", nullable=False),
    ),
    key=("group_id", "week_start", "format"),
)


def upgrade() -> None:
    for table in (_GROUPS, _REPORTS):
        make_table(op.get_bind(), revision, table)


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
