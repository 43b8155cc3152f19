"""${message}"""

from alembic import op

from resources.database import adoption, ledger

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    connection = op.get_bind()


def downgrade() -> None:
    ledger.undo(op.get_bind(), revision)
