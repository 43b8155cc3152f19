"""The zone in which the stored weeks begin is known to the database: a setting that is changed would mix them."""

from alembic import op
from psycopg import sql

from resources.database.schema import time_zone, undo_log

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    connection = op.get_bind()
    time_zone.store(connection, time_zone.DEFAULT)
    drop = sql.SQL(f"DROP FUNCTION {time_zone.FUNCTION}()")
    undo_log.record(connection, revision, "created function", time_zone.FUNCTION, drop)


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
