"""Item parameters by bank version, and the calibration that each version comes from."""

from alembic import op

from resources.database.schema import undo_log
from resources.database.schema.own_tables import make_table
from resources.database.schema.predecessor_tables import MIRT_FIT_META, MIRT_ITEM_PARAMS

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for table in (MIRT_ITEM_PARAMS, MIRT_FIT_META):
        make_table(op.get_bind(), revision, table)


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
