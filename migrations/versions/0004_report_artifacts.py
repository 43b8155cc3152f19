"""The catalogue of reports: where each user's report of a week is to be had, by format."""

from alembic import op

from resources.database.schema import undo_log
from resources.database.schema.own_tables import make_table
from resources.database.schema.predecessor_tables import REPORT_ARTIFACTS

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    make_table(op.get_bind(), revision, REPORT_ARTIFACTS)


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
