"""From which abilities each week's reports were made, and which learners the platform does not know any more."""

from alembic import op

from resources.database.schema import undo_log
from resources.database.schema.own_tables import Column, Table, add_columns, make_table

revision = "0008"
down_revision = "0007"

_REPORTED = Column("reported", "text")
_DEPARTED = Table(
    "departed_learners",
    columns=(
        Column("user_id", "text", nullable=False),
        Column("noticed_at", "timestamp with time zone", nullable=False),
    ),
    key=("user_id",),
)
# What stands is taken to be up to date: to look at every report once would take longer than to run the few old weeks.
# The platform's own reports say nothing of ours, and where ours lie beside them there are none yet.
_REPORTED_SO_FAR = """
    UPDATE ability_weeks SET reported = fingerprint
    WHERE week_start IN (SELECT week_start FROM report_artifacts)
"""


def upgrade() -> None:
    connection = op.get_bind()
    add_columns(connection, revision, "ability_weeks", (_REPORTED,))
    if undo_log.is_ours(connection, "report_artifacts"):
        undo_log.run(connection, _REPORTED_SO_FAR)
    make_table(connection, revision, _DEPARTED)


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
