"""The catalogue of reports: where each user's report of a week is to be had, by format."""

from alembic import op

from resources.database.schema import undo_log
from resources.database.schema.table_adoption import Column, Table, make_table

revision = "0004"
down_revision = "0003"

_REPORT_ARTIFACTS = Table(
    "report_artifacts",
    columns=(
        Column("id", "bigint", numbered=True),
        Column("user_id", "text", nullable=False),
        Column("week_start", "date", nullable=False),
        Column("format", "text", nullable=False),
        Column("url", "text", nullable=False),
        Column("generated_at", "timestamp with time zone", nullable=False),
        Column("sha256", "text"),
        Column("inputs_sha256", "text"),
    ),
    key=("user_id", "week_start", "format"),
    indexes=(("week_start",),),
)


def upgrade() -> None:
    make_table(op.get_bind(), revision, _REPORT_ARTIFACTS)


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
