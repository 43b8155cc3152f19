"""The database of seedtest_api, the system that this pipeline replaces: tables, keys, defaults and view as its own
migrations leave them, and rows as its code writes them."""

SCHEMA = """
    CREATE TABLE exam_results (
        id uuid DEFAULT gen_random_uuid() PRIMARY KEY, session_id text UNIQUE NOT NULL, user_id text,
        exam_id integer, org_id integer, status text DEFAULT 'ready' NOT NULL, result_json jsonb NOT NULL,
        score_raw numeric, score_scaled numeric, standard_error numeric, percentile numeric,
        created_at timestamptz DEFAULT now() NOT NULL, updated_at timestamptz DEFAULT now() NOT NULL);
    CREATE INDEX ix_exam_results_user_exam ON exam_results (user_id, exam_id);
    CREATE INDEX ix_exam_results_org_id ON exam_results (org_id);
    CREATE INDEX ix_exam_results_result_json ON exam_results USING gin (result_json);
    CREATE TABLE mirt_item_params (
        item_id text PRIMARY KEY, model text, params jsonb NOT NULL, version text,
        fitted_at timestamptz DEFAULT now());
    CREATE TABLE mirt_ability (
        user_id text, theta float8 NOT NULL, se float8, model text, version text,
        fitted_at timestamptz DEFAULT now(), PRIMARY KEY (user_id, version));
    CREATE INDEX ix_mirt_ability_user_fitted_at ON mirt_ability (user_id, fitted_at);
    CREATE TABLE mirt_fit_meta (
        run_id text PRIMARY KEY, model_spec jsonb, metrics jsonb, fitted_at timestamptz DEFAULT now());
    CREATE TABLE report_artifacts (
        id bigserial PRIMARY KEY, user_id text NOT NULL, week_start date NOT NULL,
        format text DEFAULT 'html' NOT NULL, url text NOT NULL, generated_at timestamptz DEFAULT now() NOT NULL,
        CONSTRAINT uq_report_artifacts_user_week_format UNIQUE (user_id, week_start, format));
    CREATE INDEX ix_report_artifacts_user_week ON report_artifacts (user_id, week_start);
    CREATE TABLE alembic_version (version_num varchar(255) PRIMARY KEY);
    CREATE TABLE classroom (id bigserial PRIMARY KEY, org_id integer, name text, grade text);
    CREATE TABLE question (id bigserial PRIMARY KEY, topic_id text, difficulty numeric, meta jsonb);
    CREATE TABLE weekly_kpi (user_id text, week_start date, kpis jsonb, PRIMARY KEY (user_id, week_start));
    CREATE VIEW attempt AS SELECT 0::bigint AS id, NULL::uuid AS student_id, NULL::bigint AS item_id,
        NULL::boolean AS correct, NULL::integer AS response_time_ms, NULL::boolean AS hint_used,
        NULL::timestamptz AS completed_at, NULL::timestamptz AS started_at, NULL::integer AS attempt_no,
        NULL::text AS session_id, NULL::text AS topic_id WHERE false;
"""
ROWS = """
    INSERT INTO alembic_version VALUES
        ('20251102_1300_attempt_view_stub_or_real'), ('20251101_1700_report_artifacts');
    INSERT INTO mirt_item_params (item_id, model, params, version) VALUES
        ('1003', '2PL', '{"a": 1.1, "b": -0.2}', 'v1'), ('1004', '3PL', '{"a": 0.9, "b": 0.4, "c": 0.2}', 'v1');
    INSERT INTO mirt_ability (user_id, theta, se, model, version) VALUES
        ('U1', 0.31, 0.4, '2PL', 'v1'), ('U2', -0.2, NULL, '2PL', 'v1');
    INSERT INTO mirt_fit_meta (run_id, model_spec, metrics) VALUES
        ('fit-2025-10-31T12:00:00Z', '{"model": "2PL"}', '{"n_items": 2}');
    INSERT INTO report_artifacts (user_id, week_start, url) VALUES
        ('U1', '2025-10-29', 'https://reports.example.org/reports/U1/2025-10-29.html');
"""
