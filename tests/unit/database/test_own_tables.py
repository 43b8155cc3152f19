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


def test_the_platforms_tables_stay_as_they_are_and_ours_lie_beside_them(engine: sa.Engine) -> None:
    """They were shared where they fitted: with our columns, our keys, and our rows over theirs."""
    platform(engine)
    execute(engine, PREDECESSOR)
    before = snapshot(engine)
    migrate.upgrade(engine)
    assert [row for row in before if "attempt" not in repr(row)] == [
        row for row in snapshot(engine) if row in before and "attempt" not in repr(row)
    ]
    with transaction(engine) as connection:
        assert connection.execute(sa.select(tables.mirt_ability)).all() == []
        assert undo_log.is_ours(connection, "seedtest_mirt_ability")
        assert not undo_log.is_ours(connection, "report_artifacts")
        assert not undo_log.is_ours(connection, "exam_results")


@pytest.mark.parametrize(
    "statements",
    [
        "CREATE TABLE mirt_ability (user_id uuid)",
        "CREATE TABLE mirt_ability (theta real)",
        "CREATE VIEW mirt_ability AS SELECT 'U1' AS user_id, 0.0::float8 AS theta",
        "CREATE TABLE report_artifacts (id bigserial, kind text NOT NULL)",
        "CREATE TABLE mirt_fit_meta (version text); INSERT INTO mirt_fit_meta VALUES ('v1'), ('v1')",
        "CREATE TABLE mirt_fit_meta (version text UNIQUE DEFERRABLE)",
        "CREATE TABLE mirt_item_params (item_id text, params text) PARTITION BY LIST (item_id)",
    ],
)
def test_a_table_of_the_predecessors_name_may_be_of_any_shape(engine: sa.Engine, statements: str) -> None:
    """Another type, one more column, a narrower or deferrable key: each of them stopped the migration."""
    execute(engine, statements)
    before = snapshot(engine)
    migrate.upgrade(engine)
    assert {row for row in before if "seedtest" not in repr(row)} <= set(snapshot(engine))
    migrate.downgrade(engine)
    assert snapshot(engine) == before


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
        ("CREATE VIEW theta_estimates AS SELECT 1 AS x", "theta_estimates exists, and it is not this"),
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
