"""${message}"""

from alembic import op

from resources.database.schema import own_tables, undo_log

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    connection = op.get_bind()


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
