"""An old session that the platform computed anew keeps its answers' week; one that failed there is named as such.

`updated_at` is then the time of the computing, months after `created_at`, and no answer was given at that time. Only
functions change: the view `attempt` calls them, whatever types it was made for.
"""

import sqlalchemy as sa
from alembic import op
from psycopg import sql

from resources.database.schema import session_length, undo_log

revision = "0010"
down_revision = "0009"

# As 0001 made it, but for `otherwise`.
_INSTANT = """
CREATE OR REPLACE FUNCTION seedtest_instant(answered_at text, earliest timestamptz, latest timestamptz)
RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
DECLARE
    otherwise timestamptz := CASE WHEN latest - earliest > seedtest_longest_session() THEN earliest ELSE latest END;
    instant timestamptz;
BEGIN
    instant := CASE  -- not among the declarations: the handler does not cover those
        WHEN substr(answered_at, 5, 1) <> '-' THEN NULL  -- must begin with a year: not 'now', nor what DateStyle turns
        WHEN substr(answered_at, 12) ~ '[A-Za-z+-]' THEN answered_at
        ELSE answered_at || 'Z'
    END;
    RETURN CASE WHEN instant BETWEEN earliest AND latest THEN instant ELSE otherwise END;
EXCEPTION WHEN data_exception THEN
    RETURN otherwise;
END $$
"""
# As 0001 made it, but for the line about an error.
_SESSION_FAULT = """
CREATE OR REPLACE FUNCTION seedtest_session_fault(
    user_id text, recorded_at timestamptz, given boolean, result jsonb
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN coalesce(btrim(user_id), '') = '' THEN 'the session has no user_id'
    WHEN recorded_at IS NULL THEN 'the session has neither created_at nor updated_at'
    WHEN given AND result IS NULL THEN 'result_json is not JSON'
    WHEN result ? 'error' AND NOT result ? 'questions' THEN 'the platform reports an error instead of answers'
    WHEN result NOT IN ('null', '{}') AND coalesce(jsonb_typeof(result -> 'questions'), '') <> 'array'
        THEN 'result_json has no list of questions'
END
"""


def upgrade() -> None:
    connection = op.get_bind()
    session_length.store(connection, session_length.DEFAULT_HOURS)
    drop = sql.SQL(f"DROP FUNCTION {session_length.FUNCTION}()")
    undo_log.record(connection, revision, "created function", session_length.FUNCTION, drop)
    for name, statement in (("seedtest_instant", _INSTANT), ("seedtest_session_fault", _SESSION_FAULT)):
        definition = "SELECT pg_get_functiondef(to_regproc(:name))"
        before: str = connection.scalar(sa.text(definition), {"name": name}) or ""
        undo_log.run(connection, statement)
        undo_log.record(connection, revision, "changed function", name, sql.SQL(before))


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
