"""The view `attempt_malformed` takes apart only sessions in which anything can be wrong.

A week's look at it took as long as reading the week's answers.
"""

import sqlalchemy as sa
from alembic import op
from psycopg import sql

from resources.database.schema import undo_log
from resources.errors import InvalidInput

revision = "0013"
down_revision = "0012"

# A text from "!" on has more in it than blanks. What can not be compared is unknown, and so not surely right.
_SURELY_RIGHT = '@.question_id >= "!" && @.is_correct.type() == "boolean"'
_DOUBTFUL = f"""
CREATE FUNCTION seedtest_doubtful(result jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_path_exists(
    result, 'strict $.questions[*] ? (!({_SURELY_RIGHT}) || ({_SURELY_RIGHT}) is unknown)', silent => true
) THEN result END
"""
_TAKEN_APART = "jsonb_path_query(session.result,"


def upgrade() -> None:
    connection = op.get_bind()
    undo_log.run(connection, _DOUBTFUL)
    drop = sql.SQL("DROP FUNCTION seedtest_doubtful(jsonb)")
    undo_log.record(connection, revision, "created function", "seedtest_doubtful", drop)
    before: str = connection.scalar(sa.text("SELECT pg_get_viewdef(to_regclass('attempt_malformed'))")) or ""
    if before.count(_TAKEN_APART) != 1:
        raise InvalidInput(
            "The view attempt_malformed is not the one that this pipeline's migrations made",
            where="attempt_malformed",
            remedy="make it once more as migrations/versions/0001_attempt.sql does.",
            outcome="Nothing was changed.",
        )
    view = "CREATE OR REPLACE VIEW attempt_malformed AS "
    now = before.replace(_TAKEN_APART, "jsonb_path_query(seedtest_doubtful(session.result),")
    undo_log.run(connection, view + now)
    undo_log.record(connection, revision, "changed view", "attempt_malformed", sql.SQL(view + before))


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
