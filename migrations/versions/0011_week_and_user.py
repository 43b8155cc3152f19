"""One learner's estimate of a week is found by either of its index's columns first.

While a week is made, PostgreSQL's statistics say that it has no rows. It then looks through all of the week's rows for
each learner, where it can choose an index on the week alone.
"""

from alembic import op
from psycopg import sql

from resources.database.schema import undo_log

revision = "0011"
down_revision = "0010"

_OLD, _NEW = "theta_estimates_week_start_idx", "theta_estimates_week_start_user_id_idx"


def upgrade() -> None:
    connection = op.get_bind()
    undo_log.run(connection, f"CREATE INDEX {_NEW} ON theta_estimates (week_start, user_id)")
    undo_log.record(connection, revision, "created index", _NEW, sql.SQL(f"DROP INDEX {_NEW}"))
    undo_log.run(connection, f"DROP INDEX {_OLD}")
    undo_log.record(
        connection, revision, "dropped index", _OLD, sql.SQL(f"CREATE INDEX {_OLD} ON theta_estimates (week_start)")
    )


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
