"""The predecessor's own schema: the fixture is true to it, its tables stay its own, and its readers see ours there."""

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine, transaction
from resources.database.queries import platform_tables
from resources.database.queries.dagster_history import SCHEMA as DAGSTER
from resources.database.queries.estimates import current_abilities
from resources.database.queries.estimates.current_abilities import Ability
from resources.database.queries.items import item_banks
from resources.database.queries.reports import report_artifacts
from resources.database.queries.reports.report_artifacts import ReportArtifact
from resources.database.schema import migrate, privileges, readers
from resources.errors import OperatorRequired
from resources.model import ItemBank, Week
from tests.beside import beside
from tests.predecessor import ROWS, SCHEMA
from tests.unit.database.platform_database import execute, snapshot

_AT = dt.datetime(2025, 11, 10, 6, tzinfo=dt.UTC)
_WEEK = Week(dt.date(2025, 11, 3))
# What the predecessor's documentation asks its tables.
_NEWEST_ABILITY = "SELECT theta, se, version FROM mirt_ability WHERE user_id = 'U1' ORDER BY fitted_at DESC LIMIT 1"
_REPORTS = "SELECT week_start::text, url FROM report_artifacts WHERE user_id = 'U1' ORDER BY week_start DESC"
_LAST_FIT = "SELECT run_id, model_spec ->> 'model' FROM mirt_fit_meta ORDER BY fitted_at DESC LIMIT 1"
_LONG_AGO = """
    UPDATE mirt_item_params SET fitted_at = '2025-10-31'; UPDATE mirt_ability SET fitted_at = '2025-10-31';
    UPDATE mirt_fit_meta SET fitted_at = '2025-10-31'; UPDATE report_artifacts SET generated_at = '2025-10-31';
"""
_ITEM = "SELECT params ->> 'a' FROM mirt_item_params WHERE item_id = '1003'"


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[sa.Engine]:
    engine = make_engine(empty_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def moved_in(engine: sa.Engine) -> sa.Engine:
    """The predecessor's database, migrated."""
    execute(engine, SCHEMA + ROWS + _LONG_AGO)
    migrate.upgrade(engine)
    return engine


@pytest.fixture
def role(engine: sa.Engine, empty_database_url: str) -> Iterator[str]:
    """A role that was given nothing."""
    role = empty_database_url.rsplit("/", 1)[1] + "_moving_in"
    execute(engine, f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'secret'")
    yield role
    execute(engine, f'DROP OWNED BY "{role}" CASCADE; DROP ROLE "{role}"')


def _ask(engine: sa.Engine, query: str) -> list[tuple[object, ...]]:
    with transaction(engine) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def _ability(theta: float, at: dt.datetime = _AT, version: str = "b1") -> Ability:
    return Ability("U1", theta, 0.3, 4, "2PL", version, at, at)


def _report(url: str) -> ReportArtifact:
    return ReportArtifact("U1", _WEEK, "html", url, _AT, "0" * 64)


def _save_bank(engine: sa.Engine, version: str = "b1") -> None:
    bank = ItemBank(version, "2PL", ("1003", "1005"), np.array([1.3, 0.8]), np.array([0.1, 0.2]), np.zeros(2))
    fit = item_banks.Fit(True, 9, -100.0, 10, 20, _AT)
    with transaction(engine) as connection:
        item_banks.save(connection, bank, fit)
        item_banks.adopt(connection, version, _AT)


def test_the_fixture_is_the_schema_that_the_shared_file_describes(engine: sa.Engine) -> None:
    script = beside("data", "platform_schema.sql").read_text("utf-8")
    execute(engine, SCHEMA + ROWS + _LONG_AGO)
    ours = snapshot(engine)
    execute(engine, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    execute(engine, script + _LONG_AGO)
    assert snapshot(engine) == ours


def test_migrating_and_back_leaves_everything_as_it_was(engine: sa.Engine) -> None:
    """`migrate` failed on mirt_fit_meta.run_id, which has no default."""
    execute(engine, SCHEMA + ROWS)
    before = snapshot(engine)
    migrate.upgrade(engine)
    migrate.upgrade(engine)
    of_theirs = [row for row in before if "attempt" not in repr(row)]
    assert set(of_theirs) <= set(snapshot(engine))
    migrate.downgrade(engine)
    assert snapshot(engine) == before


def test_a_bank_of_the_items_that_the_platform_has_is_stored_beside_its_own(moved_in: sa.Engine) -> None:
    """`calibrate` ended in a UniqueViolation after all its arithmetic: the platform's key is the item alone."""
    _save_bank(moved_in)
    with transaction(moved_in) as connection:
        assert item_banks.load(connection, "b1").item_keys == ("1003", "1005")
    assert _ask(moved_in, _ITEM) == [("1.1",)]
    assert _ask(moved_in, _LAST_FIT) == [("b1", "2PL")]
    in_force = "SELECT item_id, params ->> 'a', version FROM seedtest_item_params_in_force ORDER BY item_id"
    assert _ask(moved_in, in_force) == [("1003", "1.3", "b1"), ("1005", "0.8", "b1")]


def test_the_platforms_readers_see_what_is_made_and_its_own_rows_stay(moved_in: sa.Engine) -> None:
    theirs = set(snapshot(moved_in))
    _save_bank(moved_in)
    later = _AT + dt.timedelta(hours=1)
    with transaction(moved_in) as connection:
        current_abilities.store(connection.connection.driver_connection, [_ability(0.9)])
        current_abilities.store(connection.connection.driver_connection, [_ability(1.1, later)])
        report_artifacts.record(connection, [_report("s3://b/first")])
        report_artifacts.record(connection, [_report("s3://b/second")])
    assert _ask(moved_in, _NEWEST_ABILITY) == [(1.1, 0.3, "b1")]
    assert _ask(moved_in, _REPORTS) == [
        ("2025-11-03", "s3://b/second"),
        ("2025-10-29", "https://reports.example.org/reports/U1/2025-10-29.html"),
    ]
    assert theirs <= set(snapshot(moved_in)) | {row for row in theirs if "seedtest" in repr(row)}
    migrate.downgrade(moved_in)
    assert _ask(moved_in, _NEWEST_ABILITY) == [(0.31, 0.4, "v1")]
    assert len(_ask(moved_in, _REPORTS)) == 1


def test_what_the_platform_wrote_itself_is_never_written_over_nor_deleted(moved_in: sa.Engine) -> None:
    """The same user, week and format, or the same user under a bank of the predecessor's."""
    execute(
        moved_in,
        "INSERT INTO report_artifacts (user_id, week_start, url) VALUES ('U1', '2025-11-03', 'https://theirs')",
    )
    with transaction(moved_in) as connection:
        report_artifacts.record(connection, [_report("s3://b/ours")])
        current_abilities.store(connection.connection.driver_connection, [_ability(0.9, version="v1")])
        current_abilities.store(
            connection.connection.driver_connection, [_ability(1.0, _AT + dt.timedelta(hours=1), version="v1")]
        )
    theirs = ("2025-11-03", "https://theirs")
    assert (_ask(moved_in, _NEWEST_ABILITY), _ask(moved_in, _REPORTS)[0]) == ([(0.31, 0.4, "v1")], theirs)
    with transaction(moved_in) as connection:
        report_artifacts.forget(connection, _WEEK, ["s3://b/ours"])
    assert _ask(moved_in, _REPORTS)[0] == theirs


def test_without_a_right_to_write_them_the_platforms_tables_are_left_alone_and_doctor_says_so(
    engine: sa.Engine, role: str, empty_database_url: str
) -> None:
    execute(engine, SCHEMA + ROWS + _LONG_AGO)
    limited = _as(role, empty_database_url)
    _run_what_is_asked_for(engine, limited)
    _save_bank(limited)
    with transaction(limited) as connection:
        current_abilities.store(connection.connection.driver_connection, [_ability(0.9)])
        told = readers.unserved(connection)
    assert _ask(engine, _NEWEST_ABILITY) == [(0.31, 0.4, "v1")]
    grants = [sentence.split("too: ")[1] for sentence in told if "too: " in sentence]
    assert f'GRANT SELECT, INSERT, UPDATE, DELETE ON "mirt_ability" TO "{role}";' in grants
    execute(engine, "".join(grants))
    with transaction(limited) as connection:
        connection.exec_driver_sql("UPDATE seedtest_mirt_ability SET fitted_at = fitted_at")  # as documented
        report_artifacts.record(connection, [_report("s3://b/ours")])  # its numbers are a sequence's
        assert [sentence for sentence in readers.unserved(connection) if "too: " in sentence] == []
    assert _ask(engine, _NEWEST_ABILITY) == [(0.9, 0.3, "b1")]
    limited.dispose()


def test_a_role_that_owns_only_what_it_makes_is_told_each_grant_that_it_lacks_and_no_more(
    engine: sa.Engine, role: str, empty_database_url: str
) -> None:
    execute(engine, SCHEMA + ROWS)
    limited = _as(role, empty_database_url)
    asked_for = _run_what_is_asked_for(engine, limited)
    assert asked_for == [
        f'GRANT USAGE, CREATE ON SCHEMA "public" TO "{role}";',
        f'ALTER VIEW attempt OWNER TO "{role}";',
        f'GRANT SELECT ON TABLE "exam_results" TO "{role}";',
        f'CREATE SCHEMA "{DAGSTER}" AUTHORIZATION "{role}";',
    ]
    execute(engine, f'REVOKE CREATE ON SCHEMA public FROM "{role}"')  # nor is that needed any more
    _save_bank(limited)
    with transaction(limited) as connection:
        assert privileges.to_run(connection, DAGSTER) == ()
        assert connection.exec_driver_sql("SELECT count(*) FROM attempt").scalar_one() == 0
    limited.dispose()


def test_a_platform_that_drops_its_tables_later_breaks_nothing(moved_in: sa.Engine) -> None:
    execute(moved_in, "DROP TABLE mirt_ability, mirt_fit_meta, mirt_item_params, report_artifacts")
    _save_bank(moved_in)
    with transaction(moved_in) as connection:
        assert current_abilities.store(connection.connection.driver_connection, [_ability(0.9)])
        report_artifacts.record(connection, [_report("s3://b/ours")])
        assert current_abilities.current(connection, "U2", "v1", "2PL") is None
        assert readers.unserved(connection) == ()
    migrate.downgrade(moved_in)


def test_the_predecessors_bank_and_abilities_are_read_where_they_lie_and_what_is_not_whole_is_counted(
    moved_in: sa.Engine,
) -> None:
    """A row without a standard error answered 500."""
    with transaction(moved_in) as connection:
        bank = item_banks.load(connection, item_banks.in_force(connection, "v1"), "2PL")
        assert (bank.item_keys, bank.a.tolist(), bank.c.tolist()) == (("1003",), [1.1], [0.0])
        found = current_abilities.current(connection, "U1", "v1", "2PL")
        assert found is not None
        assert (found.theta, found.as_of) == (0.31, None)
        assert current_abilities.current(connection, "U2", "v1", "2PL") is None
        assert platform_tables.left_behind(connection) == platform_tables.LeftBehind(2, 0, 1, 1)
    execute(
        moved_in,
        "INSERT INTO mirt_item_params (item_id, params) VALUES ('1', '[]'); "
        "INSERT INTO mirt_ability (user_id, theta, se, model, version, fitted_at) VALUES "
        "('U3', 'NaN', .3, '2PL', 'v1', now()), ('U4', 0, 0, '2PL', 'v1', now()), ('U5', 0, .3, NULL, 'v1', NULL)",
    )
    with transaction(moved_in) as connection:
        assert [current_abilities.current(connection, user, "v1", "2PL") for user in ("U3", "U4", "U5")] == [None] * 3
        assert platform_tables.left_behind(connection) == platform_tables.LeftBehind(2, 1, 1, 4)


def test_where_a_table_was_shared_our_rows_get_one_of_their_own_and_a_downgrade_brings_them_back(
    engine: sa.Engine,
) -> None:
    """As earlier releases left it on a platform whose tables fitted: told by the undo log, which has not made them."""
    migrate.upgrade(engine, "0008")
    execute(
        engine,
        "DELETE FROM seedtest_ledger WHERE object LIKE 'mirt_%' OR object = 'report_artifacts'; "
        "INSERT INTO mirt_ability VALUES ('U1', '2PL', 'v1', 0.31, 0.4, NULL, NULL, '2025-10-31'), "
        "('U1', '2PL', 'b1', 0.9, 0.3, 4, '2025-11-10', '2025-11-10'); "
        "INSERT INTO mirt_fit_meta (version, model, converged, details, fitted_at, adopted_at) VALUES "
        "('b1', '2PL', true, '{}', '2025-11-10', '2025-11-10'); "
        """INSERT INTO mirt_item_params (item_id, model, version, params) VALUES
        ('7', '2PL', 'v1', '{"a": 1, "b": 0}'), ('7', '2PL', 'b1', '{"a": 2, "b": 0}'); """
        "INSERT INTO report_artifacts (user_id, week_start, format, url, generated_at, sha256) VALUES "
        "('U1', '2025-10-29', 'html', 'https://theirs', '2025-10-31', NULL), "
        "('U1', '2025-11-03', 'html', 's3://b/ours', '2025-11-10', '00')",
    )
    migrate.upgrade(engine)
    assert _ask(engine, "SELECT version, theta, n_items FROM seedtest_mirt_ability") == [("b1", 0.9, 4)]
    with transaction(engine) as connection:
        assert item_banks.load(connection, item_banks.in_force(connection)).a.tolist() == [2.0]
        assert item_banks.load(connection, "v1").a.tolist() == [1.0]
        assert [row.url for row in report_artifacts.of_user(connection, "U1")] == ["s3://b/ours"]
        current_abilities.store(connection.connection.driver_connection, [_ability(1.1, _AT + dt.timedelta(days=1))])
    newest = "SELECT version, theta, n_items FROM mirt_ability ORDER BY fitted_at"
    assert _ask(engine, newest) == [("v1", 0.31, None), ("b1", 1.1, 4)]
    migrate.downgrade(engine, "0008")
    assert _ask(engine, newest) == [("v1", 0.31, None), ("b1", 1.1, 4)]
    assert len(_ask(engine, "SELECT FROM mirt_item_params")) == len(_ask(engine, "SELECT FROM report_artifacts")) == 2


def test_where_the_platform_has_no_such_tables_their_names_are_views_of_ours_for_who_read_them_before(
    engine: sa.Engine, role: str
) -> None:
    migrate.upgrade(engine, "0008")
    execute(engine, f'GRANT SELECT ON mirt_ability TO "{role}"')
    migrate.upgrade(engine)
    with transaction(engine) as connection:
        current_abilities.store(connection.connection.driver_connection, [_ability(0.9)])
    execute(engine, f'SET LOCAL ROLE "{role}"; DO $$ BEGIN PERFORM FROM mirt_ability; END $$')
    assert _ask(engine, _NEWEST_ABILITY) == [(0.9, 0.3, "b1")]


def _as(role: str, database_url: str) -> sa.Engine:
    url = sa.make_url(database_url).set(username=role, password="secret")
    return make_engine(url.render_as_string(hide_password=False))


def _run_what_is_asked_for(owner: sa.Engine, limited: sa.Engine) -> list[str]:
    """Migrates as the role, once its owner has run what it was told; returns all of it."""
    with pytest.raises(OperatorRequired, match="may not migrate") as refused:
        migrate.upgrade(limited)
    assert refused.value.remedy is not None
    told = refused.value.remedy.split("run: ")[1]
    execute(owner, told)
    migrate.upgrade(limited)
    with transaction(limited) as connection:
        lacking = privileges.to_run(connection, DAGSTER)
    execute(owner, " ".join(lacking) or "SELECT")
    return [f"{statement.strip()};" for statement in f"{told} {' '.join(lacking)}".split(";") if statement.strip()]
