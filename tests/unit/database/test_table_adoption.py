"""What a platform has already: adopted, read, or a reason to stop."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine, transaction
from resources.database.schema import index_advice, migrate, revision, tables, undo_log
from resources.errors import InvalidInput
from tests.unit.database.platform_database import PREDECESSOR, execute, platform, snapshot


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[sa.Engine]:
    engine = make_engine(empty_database_url)
    yield engine
    engine.dispose()


def test_the_replaced_view_keeps_its_grants_and_shows_users_whose_id_is_no_uuid(engine: sa.Engine) -> None:
    platform(engine)
    execute(engine, PREDECESSOR)
    execute(engine, "GRANT SELECT ON attempt TO PUBLIC; CREATE VIEW platforms_own AS SELECT correct FROM attempt")
    migrate.upgrade(engine)
    with transaction(engine) as connection:
        assert connection.scalar(sa.text("SELECT has_table_privilege('pg_monitor', 'attempt', 'SELECT')"))
        assert connection.execute(sa.text("SELECT user_id, item_id, correct FROM attempt")).all() == [
            ("user123", 7, True)
        ]
        assert connection.execute(sa.text("SELECT correct FROM platforms_own")).all() == [(True,)]
    with pytest.raises(InvalidInput, match="platforms_own depends on view attempt"):
        migrate.downgrade(engine)
    assert revision.state(engine).up_to_date


def test_adopted_tables_keep_their_rows_and_get_what_is_missing(engine: sa.Engine) -> None:
    platform(engine)
    execute(engine, PREDECESSOR)
    migrate.upgrade(engine)
    with transaction(engine) as connection:
        ability, report = tables.mirt_ability.c, tables.report_artifacts.c
        query = sa.select(ability.user_id, ability.theta, ability.n_items, ability.as_of)
        assert connection.execute(query).all() == [("user123", 0.5, None, None)]
        assert connection.execute(sa.select(report.url, report.sha256)).all() == [("s3://x", None)]
        assert undo_log.is_ours(connection, "theta_estimates")
        assert not undo_log.is_ours(connection, "report_artifacts")
        assert not undo_log.is_ours(connection, "exam_results")
    # The key that was missing is there: an upsert finds it.
    execute(
        engine,
        "INSERT INTO mirt_item_params (item_id, model, version, params) VALUES ('7', '2PL', 'v1', '{}') "
        "ON CONFLICT (item_id, model, version) DO UPDATE SET params = excluded.params",
    )


def test_a_key_of_some_rows_only_gets_one_of_all_beside_it_which_an_upsert_can_use(engine: sa.Engine) -> None:
    execute(
        engine,
        "CREATE TABLE mirt_fit_meta (version text); "
        "CREATE UNIQUE INDEX ON mirt_fit_meta (version) WHERE version <> 'v0'",
    )
    migrate.upgrade(engine)
    execute(engine, "INSERT INTO mirt_fit_meta (version) VALUES ('v1') ON CONFLICT (version) DO NOTHING")


@pytest.mark.parametrize(  # the view reads each column by itself: every type once, and every pair of instant and JSON
    ("id_", "instant", "json"),
    [
        ("bigint GENERATED ALWAYS AS IDENTITY", "timestamptz", "jsonb"),
        ("serial", "timestamp", "jsonb"),
        ("uuid DEFAULT gen_random_uuid()", "timestamptz", "json"),
        ("serial", "timestamp", "json"),
        ("bigint GENERATED ALWAYS AS IDENTITY", "timestamptz", "text"),
        ("uuid DEFAULT gen_random_uuid()", "timestamp", "text"),
    ],
)
def test_a_platforms_exam_results_is_read_whatever_its_types_and_never_altered(
    engine: sa.Engine, id_: str, instant: str, json: str
) -> None:
    platform(engine, id_, instant, json)
    before = snapshot(engine)
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
    assert {row for row in before if "exam_results" in repr(row)} <= set(snapshot(engine))
    migrate.downgrade(engine)
    assert snapshot(engine) == before


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
        (
            "CREATE TABLE mirt_fit_meta (version text UNIQUE DEFERRABLE); "
            "CREATE UNIQUE INDEX ON mirt_fit_meta (version)",
            "mirt_fit_meta has a deferrable key, mirt_fit_meta_version_key, and PostgreSQL takes no upserts there",
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
    execute(engine, statements)
    before = snapshot(engine)
    with pytest.raises(InvalidInput, match=message) as raised:
        migrate.upgrade(engine)
    assert str(raised.value).endswith("Nothing was changed.")
    assert snapshot(engine) == before


def test_an_attempt_view_is_not_replaced_where_there_is_no_exam_results_to_read(engine: sa.Engine) -> None:
    """Replacing it would have left the platform with an empty view."""
    execute(
        engine,
        "CREATE VIEW attempt AS SELECT 1::bigint AS id, NULL::uuid AS student_id, 1::bigint AS item_id, "
        "true AS correct, 1 AS response_time_ms, true AS hint_used, now() AS completed_at, now() AS started_at, "
        "1 AS attempt_no, ''::text AS session_id, ''::text AS topic_id",
    )
    with pytest.raises(InvalidInput, match="there is no exam_results"):
        migrate.upgrade(engine)


def test_indexes_that_would_help_are_named_and_not_made(engine: sa.Engine) -> None:
    assert index_advice.missing_indexes(engine) == ()
    platform(engine)
    migrate.upgrade(engine)
    by_user, by_week = index_advice.missing_indexes(engine)
    assert by_user.endswith("CREATE INDEX CONCURRENTLY ON exam_results (user_id);")
    assert by_week.endswith("CREATE INDEX CONCURRENTLY ON exam_results (updated_at);")
    execute(engine, "CREATE INDEX ON exam_results (user_id, session_id); CREATE INDEX ON exam_results (updated_at)")
    assert index_advice.missing_indexes(engine) == ()


def test_an_index_on_a_uuid_does_not_count_because_the_view_compares_text(engine: sa.Engine) -> None:
    execute(
        engine,
        "CREATE TABLE exam_results (id bigserial PRIMARY KEY, user_id uuid, session_id text, result_json jsonb, "
        "created_at timestamptz, updated_at timestamptz); CREATE INDEX ON exam_results (user_id)",
    )
    migrate.upgrade(engine)
    by_user = index_advice.missing_indexes(engine)[0].split(": ", 1)[1]
    execute(engine, by_user.replace("CONCURRENTLY ", ""))
    assert len(index_advice.missing_indexes(engine)) == 1


def test_our_own_exam_results_needs_no_advice(engine: sa.Engine) -> None:
    migrate.upgrade(engine)
    assert index_advice.missing_indexes(engine) == ()
