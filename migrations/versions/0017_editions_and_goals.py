"""The catalogue of reports for others than their learner, beside the one that the predecessor's readers know; and what
learners want to reach, and from which abilities each class report was made."""

from alembic import op

from resources.database.schema import undo_log
from resources.database.schema.own_tables import Column, Table, add_columns, make_table

revision = "0017"
down_revision = "0016"

_EDITIONS = Table(
    "report_editions",
    columns=(
        Column("user_id", "text", nullable=False),
        Column("week_start", "date", nullable=False),
        Column("edition", "text", nullable=False),
        Column("format", "text", nullable=False),
        Column("url", "text", nullable=False),
        Column("generated_at", "timestamp with time zone", nullable=False),
        Column("sha256", "text", nullable=False),
        Column("inputs_sha256", "text", nullable=False),
    ),
    key=("user_id", "week_start", "edition", "format"),
    indexes=(("week_start",),),
)
_GOALS = Table(
    "learner_goals",
    columns=(
        Column("user_id", "text", nullable=False),
        Column("score", "double precision", nullable=False),
        Column("by", "date", nullable=False),
    ),
    key=("user_id",),
)


def upgrade() -> None:
    for table in (_EDITIONS, _GOALS):
        make_table(op.get_bind(), revision, table)
    # NULL on those that stand: they are taken to be up to date.
    add_columns(op.get_bind(), revision, "class_reports", (Column("made_from", "text"),))


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
