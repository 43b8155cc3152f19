"""Databases as a platform and the predecessor leave them, and a picture of all that stands in one."""

import sqlalchemy as sa

from resources.database.engine import transaction
from resources.database.schema import undo_log

_EXAM_RESULTS = """
    CREATE TABLE exam_results (
        id {id} PRIMARY KEY, user_id text NOT NULL, session_id text NOT NULL, exam_id text, status text,
        result_json {json}, created_at {instant} DEFAULT now(), updated_at {instant} DEFAULT now(), score numeric
    );
    INSERT INTO exam_results (user_id, session_id, result_json, created_at, updated_at) VALUES
        ('user123', 's1',
         '{{"questions": [{{"question_id": 7, "is_correct": true, "answered_at": "2025-01-06T10:00:30"}}]}}',
         '2025-01-06 10:00', '2025-01-06 10:30');
"""
PREDECESSOR = """
    CREATE VIEW attempt WITH (security_barrier = true) AS SELECT
        ('x' || substr(md5(id::text || ord::text), 1, 16))::bit(64)::bigint AS id,
        NULL::uuid AS student_id, (q->>'question_id')::bigint AS item_id,
        coalesce((q->>'is_correct')::boolean, false) AS correct, 0::int AS response_time_ms, false AS hint_used,
        updated_at AS completed_at, created_at AS started_at, 1 AS attempt_no, session_id, q->>'topic' AS topic_id
        FROM exam_results, jsonb_array_elements(result_json->'questions') WITH ORDINALITY AS e(q, ord);
    COMMENT ON VIEW attempt IS 'the old one';
    CREATE TABLE report_artifacts (
        id bigserial PRIMARY KEY, user_id varchar(64) NOT NULL, week_start date NOT NULL, format varchar(8) NOT NULL,
        url text NOT NULL, generated_at timestamptz NOT NULL DEFAULT now(), UNIQUE (format, user_id, week_start));
    INSERT INTO report_artifacts (user_id, week_start, format, url) VALUES ('user123', '2025-01-06', 'html', 's3://x');
    CREATE TABLE mirt_ability (
        user_id text, theta double precision NOT NULL, se double precision NOT NULL, model text, version text,
        fitted_at timestamp, PRIMARY KEY (user_id, model, version));
    INSERT INTO mirt_ability VALUES ('user123', 0.5, 0.3, '2PL', 'v1', '2025-01-06');
    CREATE TABLE mirt_item_params (item_id text, model text, version text, params json NOT NULL, fitted_at timestamptz);
    INSERT INTO mirt_item_params VALUES ('7', '2PL', 'v1', '{"a": 1, "b": 0}', now());
    CREATE TABLE mirt_fit_meta (run_id bigserial PRIMARY KEY, model text, version text, fitted_at timestamptz);
    CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
    INSERT INTO alembic_version VALUES ('platform42');
"""


def execute(engine: sa.Engine, statements: str) -> None:
    with transaction(engine) as connection:
        undo_log.run(connection, statements)


def platform(engine: sa.Engine, id_: str = "bigint GENERATED ALWAYS AS IDENTITY", instant: str = "timestamptz",
              json: str = "jsonb") -> None:  # fmt: skip
    execute(engine, _EXAM_RESULTS.format(id=id_, instant=instant, json=json))


def snapshot(engine: sa.Engine) -> list[tuple[object, ...]]:
    """Everything that a dump would show: relations, columns, keys, views, functions and rows."""
    queries = [
        "SELECT relname, relkind, relacl::text, reloptions::text, obj_description(oid, 'pg_class'), relowner "
        "FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'i', 'S')",
        "SELECT table_name, ordinal_position, column_name, data_type, is_nullable, column_default "
        "FROM information_schema.columns WHERE table_schema = 'public'",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace",
        "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
        "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    ]
    found: list[tuple[object, ...]] = []
    with transaction(engine) as connection:
        names = connection.scalars(sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"))
        queries += [f"SELECT '{name}', row_to_json(t)::text FROM \"{name}\" t" for name in names]  # noqa: S608
        for query in queries:
            found += sorted((tuple(row) for row in connection.execute(sa.text(query))), key=repr)
    return found
