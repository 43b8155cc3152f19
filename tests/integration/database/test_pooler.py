"""Behind PgBouncer in transaction mode, on a database whose own time zone is Seoul's: each transaction may get another
session of the server, and what one client sets there the next one finds.
"""

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from resources.database import locks
from resources.database.engine import make_engine, statements, transaction
from resources.errors import DatabaseUnavailable, OperatorRequired
from seedtest_pipeline.automation.run_locks import RunLocks
from tests.pgbouncer import pooling
from tests.waiting import until

THREADS, QUERIES = 8, 60


@pytest.fixture
def seoul_url(database_url: str) -> str:
    """A direct address."""
    engine = make_engine(database_url)
    with transaction(engine) as connection:
        connection.execute(sa.text(f"ALTER DATABASE \"{engine.url.database}\" SET timezone = 'Asia/Seoul'"))
    engine.dispose()
    return database_url


@pytest.fixture
def pooled_url(seoul_url: str, tmp_path: Path) -> Iterator[str]:
    with pooling(seoul_url, tmp_path) as url:
        yield url


@pytest.fixture
def pooled(pooled_url: str) -> Iterator[sa.Engine]:
    engine = make_engine(pooled_url, statement_timeout_s=20, pool_size=THREADS, ping=False)
    yield engine
    engine.dispose()


def test_each_answer_belongs_to_its_query(pooled: sa.Engine) -> None:
    """Of 240 queries on 4 threads 63 returned what another one had asked for: prepared statements were mixed up."""

    def ask(thread: int) -> int:
        right = 0
        for n in range(QUERIES):
            asked = f"{thread}.{n}"
            with (statements if n % 2 else transaction)(pooled) as connection:
                found = connection.execute(sa.text(f"SELECT :asked || '{n % 7}'"), {"asked": asked}).scalar_one()
            right += found == f"{asked}{n % 7}"
        return right

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(ask, range(THREADS))) == [QUERIES] * THREADS


@pytest.mark.parametrize("block", [statements, transaction])
def test_every_transaction_is_in_utc_and_within_its_time_and_no_other_client_finds_that(pooled, pooled_url, block):
    """What was asked for as `options` was dropped, so that 09:00Z was stored as 00:00."""
    with psycopg.connect(pooled_url.replace("+psycopg", ""), autocommit=True, prepare_threshold=None) as other:

        def settings(execute) -> tuple[str, ...]:
            return tuple(execute("SELECT current_setting('timezone'), current_setting('statement_timeout')").fetchone())

        for _ in range(3):
            with block(pooled) as connection:
                assert settings(connection.exec_driver_sql) == ("UTC", "20s")
            assert settings(other.execute) == ("Asia/Seoul", "0")


def test_statements_that_are_cut_by_a_commit_keep_their_settings(pooled):
    with statements(pooled) as connection:
        for _ in range(3):
            assert connection.exec_driver_sql("SHOW timezone").scalar_one() == "UTC"
            connection.commit()


def test_a_statement_that_takes_too_long_ends(pooled):
    with (
        pytest.raises(DatabaseUnavailable, match=r"stopped a statement: .*statement timeout"),
        statements(pooled) as connection,
    ):
        connection.exec_driver_sql("SET LOCAL statement_timeout = 10")
        connection.exec_driver_sql("SELECT pg_sleep(5)")


def test_options_of_the_address_that_a_pooler_drops_are_refused(seoul_url, tmp_path):
    """A search path that is lost makes tables in the platform's schema."""
    with pooling(seoul_url, tmp_path, more="ignore_startup_parameters = options") as url:
        engine = make_engine(f"{url}?options=-c%20search_path%3Dexams")
        with pytest.raises(OperatorRequired, match=r"is a pooler.*ALTER ROLE"), transaction(engine):
            pass
        engine.dispose()


def test_a_lock_is_held_by_its_own_transaction_alone(pooled):
    """A session's lock stayed with the session, and whoever was given that next held it, too."""
    with pooled.connect() as one, pooled.connect() as other:
        locks.hold(one, "seedtest test")
        assert not locks.try_hold(other, "seedtest test")
        other.rollback()
        one.rollback()
        assert locks.try_hold(other, "seedtest test")


def test_a_run_in_another_process_is_seen_to_go_on_until_it_ends(pooled, pooled_url):
    """Whoever was given the session that had the lock found it free, and ended a run that went on."""
    elsewhere = make_engine(pooled_url)
    ours, theirs = RunLocks(pooled), RunLocks(elsewhere)
    ours.hold("a run")
    assert not any(theirs._free("a run") for _ in range(5))
    ours.release("a run")
    until(lambda: theirs._free("a run"))
    elsewhere.dispose()


@pytest.mark.parametrize("by", ["pooler", "PGTZ", "options", "database"])
def test_an_instant_is_stored_as_it_is_in_a_column_without_a_time_zone(seoul_url, tmp_path, monkeypatch, by):
    noon = dt.datetime(2025, 1, 6, 9, tzinfo=dt.UTC)
    if by == "PGTZ":
        monkeypatch.setenv("PGTZ", "Asia/Seoul")
    if by == "pooler":
        with pooling(seoul_url, tmp_path) as url:
            assert _stored(url, noon) == (noon.replace(tzinfo=None), noon)
    else:
        options = "?options=-c%20timezone%3DAsia/Seoul" if by == "options" else ""
        assert _stored(seoul_url + options, noon) == (noon.replace(tzinfo=None), noon)


def _stored(url: str, instant: dt.datetime) -> tuple[object, ...]:
    engine = make_engine(url)
    with transaction(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE stored (plain timestamp, zoned timestamptz)")
        connection.exec_driver_sql("INSERT INTO stored VALUES (%(at)s, %(at)s)", {"at": instant})
        row = connection.exec_driver_sql("SELECT plain, zoned FROM stored").one()
    engine.dispose()
    return tuple(row)
