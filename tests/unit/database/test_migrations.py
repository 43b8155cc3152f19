"""The migrations: forward, twice, at once, step by step, and back to what was there."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql

from resources.database.engine import make_engine
from resources.database.schema import migrate, revision, tables
from resources.errors import InvalidInput, OperatorRequired, RetryLater
from tests.unit.database.platform_database import PREDECESSOR, execute, platform, snapshot

_OURS = [
    "theta_estimates", "seedtest_mirt_item_params", "seedtest_mirt_fit_meta", "seedtest_mirt_ability",
    "seedtest_report_artifacts",
]  # fmt: skip


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[sa.Engine]:
    engine = make_engine(empty_database_url)
    yield engine
    engine.dispose()


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
    unique = [c for c in found.tables["seedtest_report_artifacts"].constraints if isinstance(c, sa.UniqueConstraint)]
    assert [[c.name for c in constraint.columns] for constraint in unique] == [["user_id", "week_start", "format"]]


def test_the_attempt_view_has_the_locked_columns_first_and_then_ours(engine: sa.Engine) -> None:
    migrate.upgrade(engine)
    made = sa.Table("attempt", sa.MetaData(), autoload_with=engine)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    assert [(c.name, c.type.compile(dialect)) for c in made.columns] == [
        (c.name, c.type.compile(dialect)) for c in tables.attempt.columns
    ]


def test_the_history_is_one_line_with_one_head(engine: sa.Engine) -> None:
    assert revision.state(engine) == revision.State(None, "0017")
    migrate.upgrade(engine)
    assert revision.state(engine).up_to_date


def test_where_a_database_stands_is_what_alembic_says(engine: sa.Engine) -> None:
    scripts = ScriptDirectory(str(revision.SCRIPTS))
    assert revision.head() == scripts.get_current_head()
    assert len(scripts.get_heads()) == 1
    for step in reversed([script.revision for script in scripts.walk_revisions()]):
        migrate.upgrade(engine, step)
        with engine.connect() as connection:
            known = MigrationContext.configure(connection, opts={"version_table": revision.VERSION_TABLE})
            assert revision.state(engine).current == known.get_current_revision() == step


def test_an_installation_without_migrations_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(revision, "SCRIPTS", tmp_path)
    with pytest.raises(OperatorRequired, match="There are no migrations in"):
        revision.head()


def test_a_second_upgrade_changes_nothing(engine: sa.Engine) -> None:
    migrate.upgrade(engine)
    before = snapshot(engine)
    migrate.upgrade(engine)
    assert snapshot(engine) == before


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
    assert revision.state(engine).up_to_date


def test_downgrade_leaves_an_empty_database_empty(engine: sa.Engine) -> None:
    before = snapshot(engine)
    migrate.upgrade(engine)
    migrate.downgrade(engine)
    assert snapshot(engine) == before
    assert revision.state(engine).current is None


def test_downgrade_brings_the_predecessors_database_back_as_it_was(engine: sa.Engine, empty_database_url: str) -> None:
    role = empty_database_url.rsplit("/", 1)[1] + "_reader"
    platform(engine)
    execute(engine, PREDECESSOR)
    execute(engine, f'CREATE ROLE "{role}"; GRANT SELECT ON attempt TO "{role}" WITH GRANT OPTION')
    before = snapshot(engine)
    migrate.upgrade(engine)
    assert snapshot(engine) != before
    migrate.downgrade(engine)
    assert snapshot(engine) == before
    migrate.upgrade(engine)  # and forward again
    assert revision.state(engine).up_to_date
    execute(engine, f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')


def test_step_by_step_down_and_up_again(engine: sa.Engine) -> None:
    migrate.upgrade(engine, "0001")
    after_first = snapshot(engine)
    migrate.upgrade(engine, "0003")
    migrate.downgrade(engine, "0001")
    assert [row for row in snapshot(engine) if "seedtest_ledger" not in repr(row)] == [
        row for row in after_first if "seedtest_ledger" not in repr(row)
    ]


@pytest.mark.parametrize(("instant", "json"), [("timestamptz", "jsonb"), ("timestamp", "text")])
def test_a_questions_place_is_added_to_the_view_and_taken_away_again(
    engine: sa.Engine, empty_database_url: str, instant: str, json: str
) -> None:
    """Whatever types the platform's table has, and whoever was given leave to read the view."""
    role = empty_database_url.rsplit("/", 1)[1] + "_reader"
    platform(engine, instant=instant, json=json)
    execute(engine, PREDECESSOR if json == "jsonb" else "SELECT")
    migrate.upgrade(engine, "0005")
    execute(engine, f'CREATE ROLE "{role}"; GRANT SELECT ON attempt TO "{role}"')
    execute(engine, "COMMENT ON VIEW attempt IS 'read me'")
    before = snapshot(engine)
    migrate.upgrade(engine, "0006")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT item_key, correct, question_no FROM attempt").all()
        leave = connection.exec_driver_sql(f"SELECT has_table_privilege('{role}', 'attempt', 'SELECT')").scalar()
    assert ([tuple(row) for row in rows], leave) == ([("7", True, 1)], True)
    migrate.downgrade(engine, "0005")
    assert _without_log(snapshot(engine)) == _without_log(before)
    execute(engine, f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')


def _without_log(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return [row for row in rows if "seedtest_ledger" not in repr(row)]


def test_a_view_that_somebody_else_has_replaced_is_left_alone(engine: sa.Engine) -> None:
    migrate.upgrade(engine, "0005")
    execute(engine, "DROP VIEW attempt; CREATE VIEW attempt AS SELECT 1 AS id")
    before = snapshot(engine)
    with pytest.raises(InvalidInput, match="not the one that this pipeline's migrations made"):
        migrate.upgrade(engine)
    assert snapshot(engine) == before


def test_a_role_that_may_not_create_tables_is_told_so(engine: sa.Engine, empty_database_url: str) -> None:
    role = empty_database_url.rsplit("/", 1)[1]
    execute(engine, f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'secret'")
    limited = make_engine(sa.make_url(empty_database_url).set(username=role, password="secret").render_as_string(False))
    with pytest.raises(OperatorRequired, match=r"may not migrate .*permission denied for schema public") as raised:
        migrate.upgrade(limited)
    assert f'GRANT USAGE, CREATE ON SCHEMA "public" TO "{role}";' in str(raised.value)
    assert "secret" not in str(raised.value)
    limited.dispose()
    execute(engine, f'DROP ROLE "{role}"')


def test_a_database_of_a_newer_program_is_not_touched(engine: sa.Engine) -> None:
    migrate.upgrade(engine)
    execute(engine, "UPDATE seedtest_alembic_version SET version_num = '9999'")
    with pytest.raises(OperatorRequired, match="later release"):
        migrate.upgrade(engine)


def test_a_table_in_use_does_not_hold_the_platform_up_for_long(
    engine: sa.Engine, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "_TABLE_WAIT_S", 0.2)
    platform(engine)
    execute(engine, PREDECESSOR)
    with psycopg.connect(empty_database_url.replace("+psycopg", "")) as reader:
        reader.execute("SELECT FROM attempt")  # an open transaction
        with pytest.raises(RetryLater, match="in use"):
            migrate.upgrade(engine)
