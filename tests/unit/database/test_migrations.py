"""The migrations on real databases: empty, a platform's, the predecessor's; forward, twice, at once, and back."""

import threading
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from resources.database import advice, ledger, migrate, tables
from resources.database.engine import make_engine, transaction
from resources.errors import CallAPerson, FixTheData, RetryLater

_OURS = ["mirt_item_params", "mirt_fit_meta", "mirt_ability", "theta_estimates", "report_artifacts"]

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
_PREDECESSOR = """
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


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[sa.Engine]:
    engine = make_engine(empty_database_url)
    yield engine
    engine.dispose()


def _execute(engine: sa.Engine, statements: str) -> None:
    with transaction(engine) as connection:
        ledger.run(connection, statements)


def _platform(engine: sa.Engine, id_: str = "bigint GENERATED ALWAYS AS IDENTITY", instant: str = "timestamptz",
              json: str = "jsonb") -> None:  # fmt: skip
    _execute(engine, _EXAM_RESULTS.format(id=id_, instant=instant, json=json))


def _snapshot(engine: sa.Engine) -> list[tuple[object, ...]]:
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


def _grant_to_new_role(engine: sa.Engine, role: str, privilege: str) -> None:
    _execute(engine, f'CREATE ROLE "{role}"; GRANT {privilege} ON attempt TO "{role}" WITH GRANT OPTION')


def test_an_empty_database_gets_just_the_tables_that_the_code_describes(engine: sa.Engine) -> None:
    migrate.upgrade(engine)
    found = sa.MetaData()
    found.reflect(engine)
    assert found.tables.keys() - {t.name for t in tables.metadata.tables.values()} == {
        "seedtest_ledger",
        "seedtest_alembic_version",
    }
    for name in ["exam_results", *_OURS]:
        made, described = found.tables[name], tables.metadata.tables[name]
        dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
        columns = [
            [(c.name, c.type.compile(dialect), c.nullable) for c in table.columns] for table in (made, described)
        ]
        assert columns[0] == columns[1]
        assert [c.name for c in made.primary_key] == [c.name for c in described.primary_key]
    unique = [c for c in found.tables["report_artifacts"].constraints if isinstance(c, sa.UniqueConstraint)]
    assert [[c.name for c in constraint.columns] for constraint in unique] == [["user_id", "week_start", "format"]]


def test_the_attempt_view_has_the_locked_columns_first_and_then_ours(engine: sa.Engine) -> None:
    migrate.upgrade(engine)
    made = sa.Table("attempt", sa.MetaData(), autoload_with=engine)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    assert [(c.name, c.type.compile(dialect)) for c in made.columns] == [
        (c.name, c.type.compile(dialect)) for c in tables.attempt.columns
    ]


def test_the_history_is_one_line_with_one_head(engine: sa.Engine) -> None:
    assert migrate.state(engine) == migrate.State(None, "0004")
    migrate.upgrade(engine)
    assert migrate.state(engine).up_to_date


def test_a_second_upgrade_changes_nothing(engine: sa.Engine) -> None:
    migrate.upgrade(engine)
    before = _snapshot(engine)
    migrate.upgrade(engine)
    assert _snapshot(engine) == before


def test_two_processes_at_once_both_succeed(engine: sa.Engine) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            migrate.upgrade(engine)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert migrate.state(engine).up_to_date


def test_downgrade_leaves_an_empty_database_empty(engine: sa.Engine) -> None:
    before = _snapshot(engine)
    migrate.upgrade(engine)
    migrate.downgrade(engine)
    assert _snapshot(engine) == before
    assert migrate.state(engine).current is None


def test_downgrade_brings_the_predecessors_database_back_as_it_was(engine: sa.Engine, empty_database_url: str) -> None:
    role = empty_database_url.rsplit("/", 1)[1] + "_reader"
    _platform(engine)
    _execute(engine, _PREDECESSOR)
    _grant_to_new_role(engine, role, "SELECT")
    before = _snapshot(engine)
    migrate.upgrade(engine)
    assert _snapshot(engine) != before
    migrate.downgrade(engine)
    assert _snapshot(engine) == before
    migrate.upgrade(engine)  # and forward again
    assert migrate.state(engine).up_to_date
    _execute(engine, f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')


def test_step_by_step_down_and_up_again(engine: sa.Engine) -> None:
    migrate.upgrade(engine, "0001")
    after_first = _snapshot(engine)
    migrate.upgrade(engine, "0003")
    migrate.downgrade(engine, "0001")
    assert [row for row in _snapshot(engine) if "seedtest_ledger" not in repr(row)] == [
        row for row in after_first if "seedtest_ledger" not in repr(row)
    ]


def test_the_replaced_view_keeps_its_grants_and_shows_users_whose_id_is_no_uuid(engine: sa.Engine) -> None:
    _platform(engine)
    _execute(engine, _PREDECESSOR)
    _execute(engine, "GRANT SELECT ON attempt TO PUBLIC; CREATE VIEW platforms_own AS SELECT correct FROM attempt")
    migrate.upgrade(engine)
    with transaction(engine) as connection:
        assert connection.scalar(sa.text("SELECT has_table_privilege('pg_monitor', 'attempt', 'SELECT')"))
        assert connection.execute(sa.text("SELECT user_id, item_id, correct FROM attempt")).all() == [
            ("user123", 7, True)
        ]
        assert connection.execute(sa.text("SELECT correct FROM platforms_own")).all() == [(True,)]
    with pytest.raises(FixTheData, match="platforms_own depends on view attempt"):
        migrate.downgrade(engine)
    assert migrate.state(engine).up_to_date


def test_adopted_tables_keep_their_rows_and_get_what_is_missing(engine: sa.Engine) -> None:
    _platform(engine)
    _execute(engine, _PREDECESSOR)
    migrate.upgrade(engine)
    with transaction(engine) as connection:
        ability, report = tables.mirt_ability.c, tables.report_artifacts.c
        query = sa.select(ability.user_id, ability.theta, ability.n_items, ability.as_of)
        assert connection.execute(query).all() == [("user123", 0.5, None, None)]
        assert connection.execute(sa.select(report.url, report.sha256)).all() == [("s3://x", None)]
        assert ledger.is_ours(connection, "theta_estimates")
        assert not ledger.is_ours(connection, "report_artifacts")
        assert not ledger.is_ours(connection, "exam_results")
    # The key that was missing is there: an upsert finds it.
    _execute(
        engine,
        "INSERT INTO mirt_item_params (item_id, model, version, params) VALUES ('7', '2PL', 'v1', '{}') "
        "ON CONFLICT (item_id, model, version) DO UPDATE SET params = excluded.params",
    )


@pytest.mark.parametrize("id_", ["bigint GENERATED ALWAYS AS IDENTITY", "serial", "uuid DEFAULT gen_random_uuid()"])
@pytest.mark.parametrize("instant", ["timestamptz", "timestamp"])
@pytest.mark.parametrize("json", ["jsonb", "json", "text"])
def test_a_platforms_exam_results_is_read_whatever_its_types_and_never_altered(
    engine: sa.Engine, id_: str, instant: str, json: str
) -> None:
    _platform(engine, id_, instant, json)
    before = _snapshot(engine)
    migrate.upgrade(engine)
    with transaction(engine) as connection:
        connection.execute(sa.text("SET LOCAL timezone = 'Asia/Seoul'"))  # naive means UTC, whatever the session is in
        rows = connection.execute(
            sa.text(
                "SELECT item_key, correct, extract(epoch FROM completed_at), exam_result_id = e.id::text "
                "FROM attempt, exam_results e"
            )
        ).all()
    assert rows == [("7", True, 1736157630, True)]  # 2025-01-06T10:00:30Z
    assert {row for row in before if "exam_results" in repr(row)} <= set(_snapshot(engine))
    migrate.downgrade(engine)
    assert _snapshot(engine) == before


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        ("CREATE TABLE attempt (id bigint)", "Table attempt exists with other columns"),
        ("CREATE VIEW attempt AS SELECT 1 AS id", "View attempt exists with other columns .id integer."),
        ("CREATE VIEW theta_estimates AS SELECT 1 AS x", "theta_estimates exists and is not a table"),
        ("CREATE TABLE mirt_ability (user_id uuid)", "mirt_ability.user_id is of type uuid and cannot hold text"),
        ("CREATE TABLE mirt_ability (theta real)", "mirt_ability.theta is of type real.*TYPE double precision"),
        ("CREATE TABLE report_artifacts (id bigint NOT NULL)", "report_artifacts.id has no default"),
        (
            "CREATE TABLE report_artifacts (id bigserial, kind text NOT NULL)",
            "report_artifacts.kind must not be NULL and has no default",
        ),
        (
            "CREATE TABLE mirt_fit_meta (version text); INSERT INTO mirt_fit_meta VALUES ('v1'), ('v1')",
            r"mirt_fit_meta needs one row per version, and has more: Key \(version\)=\(v1\) is duplicated",
        ),
        ("CREATE TABLE exam_results (id bigint, user_id text)", "exam_results has no column session_id, result_json"),
        (
            "CREATE TABLE exam_results (id bigint, user_id text, session_id text, result_json xml, "
            "created_at timestamptz, updated_at timestamptz)",
            "exam_results.result_json is of type xml",
        ),
    ],
)  # fmt: skip
def test_what_cannot_serve_stops_the_migration_with_one_sentence_and_changes_nothing(
    engine: sa.Engine, statements: str, message: str
) -> None:
    _execute(engine, statements)
    before = _snapshot(engine)
    with pytest.raises(FixTheData, match=message) as raised:
        migrate.upgrade(engine)
    assert str(raised.value).endswith("Nothing was changed.")
    assert _snapshot(engine) == before


def test_an_attempt_view_is_not_replaced_where_there_is_no_exam_results_to_read(engine: sa.Engine) -> None:
    """Replacing it would have left the platform with an empty view."""
    _execute(
        engine,
        "CREATE VIEW attempt AS SELECT 1::bigint AS id, NULL::uuid AS student_id, 1::bigint AS item_id, "
        "true AS correct, 1 AS response_time_ms, true AS hint_used, now() AS completed_at, now() AS started_at, "
        "1 AS attempt_no, ''::text AS session_id, ''::text AS topic_id",
    )
    with pytest.raises(FixTheData, match="there is no exam_results"):
        migrate.upgrade(engine)


def test_a_role_that_may_not_create_tables_is_told_so(engine: sa.Engine, empty_database_url: str) -> None:
    role = empty_database_url.rsplit("/", 1)[1]
    _execute(engine, f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'secret'")
    limited = make_engine(sa.make_url(empty_database_url).set(username=role, password="secret").render_as_string(False))
    with pytest.raises(CallAPerson, match=r"may not migrate .*permission denied for schema public") as raised:
        migrate.upgrade(limited)
    assert "secret" not in str(raised.value)
    limited.dispose()
    _execute(engine, f'DROP ROLE "{role}"')


def test_a_database_of_a_newer_program_is_not_touched(engine: sa.Engine) -> None:
    migrate.upgrade(engine)
    _execute(engine, "UPDATE seedtest_alembic_version SET version_num = '9999'")
    with pytest.raises(CallAPerson, match="newer version"):
        migrate.upgrade(engine)


def test_a_table_in_use_does_not_hold_the_platform_up_for_long(
    engine: sa.Engine, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "_TABLE_WAIT_S", 0.2)
    _platform(engine)
    _execute(engine, _PREDECESSOR)
    with psycopg.connect(empty_database_url.replace("+psycopg", "")) as reader:
        reader.execute("SELECT FROM attempt")  # an open transaction
        with pytest.raises(RetryLater, match="in use"):
            migrate.upgrade(engine)


def test_indexes_that_would_help_are_named_and_not_made(engine: sa.Engine) -> None:
    assert advice.missing_indexes(engine) == ()
    _platform(engine)
    migrate.upgrade(engine)
    by_user, by_week = advice.missing_indexes(engine)
    assert by_user.endswith("CREATE INDEX CONCURRENTLY ON exam_results (user_id);")
    assert by_week.endswith("CREATE INDEX CONCURRENTLY ON exam_results (updated_at);")
    _execute(engine, "CREATE INDEX ON exam_results (user_id, session_id); CREATE INDEX ON exam_results (updated_at)")
    assert advice.missing_indexes(engine) == ()


def test_an_index_on_a_uuid_does_not_count_because_the_view_compares_text(engine: sa.Engine) -> None:
    _execute(
        engine,
        "CREATE TABLE exam_results (id bigserial PRIMARY KEY, user_id uuid, session_id text, result_json jsonb, "
        "created_at timestamptz, updated_at timestamptz); CREATE INDEX ON exam_results (user_id)",
    )
    migrate.upgrade(engine)
    by_user = advice.missing_indexes(engine)[0].split(": ", 1)[1]
    _execute(engine, by_user.replace("CONCURRENTLY ", ""))
    assert len(advice.missing_indexes(engine)) == 1


def test_our_own_exam_results_needs_no_advice(engine: sa.Engine) -> None:
    migrate.upgrade(engine)
    assert advice.missing_indexes(engine) == ()
