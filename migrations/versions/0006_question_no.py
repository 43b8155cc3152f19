"""The view `attempt` tells a question's place in its session: whether a blank lies before an answer, or after all."""

import sqlalchemy as sa
from alembic import op
from psycopg import sql

from resources.database.schema import undo_log
from resources.database.schema.previous_view import statements_to_restore
from resources.errors import InvalidInput

revision = "0006"
down_revision = "0005"

_LAST = "session.id AS exam_result_id"
_MORE = ",\n    element.ordinal::integer AS question_no"


def upgrade() -> None:
    """One more column at the end of the view as it stands, which was made for this database's types."""
    connection = op.get_bind()
    before = statements_to_restore(connection, "attempt")
    text: str = connection.scalar(sa.text("SELECT pg_get_viewdef(to_regclass('attempt'))")) or ""
    if text.count(_LAST) != 1 or "element(question, ordinal)" not in text:
        raise InvalidInput(
            "The view attempt is not the one that this pipeline's migrations made",
            where="attempt",
            remedy="make it once more as migrations/versions/0001_attempt.sql does.",
            outcome="Nothing was changed.",
        )
    undo_log.run(connection, f"CREATE OR REPLACE VIEW attempt AS {text.replace(_LAST, _LAST + _MORE)}")
    undo = sql.SQL(";\n").join([sql.SQL("DROP VIEW attempt"), before])  # a view can only grow
    undo_log.record(connection, revision, "added column", "attempt.question_no", undo)


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
