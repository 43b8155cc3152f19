"""Connections that are in use for too long are cut; others are left alone."""

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from resources.database.deadlines import Deadlines
from resources.database.engine import make_engine, transaction
from resources.errors import DatabaseUnavailable
from tests.waiting import until


@pytest.fixture
def engine(shared_database_url: str) -> Iterator[sa.Engine]:
    engine = make_engine(shared_database_url, ping=False)
    yield engine
    engine.dispose()


def ask(engine: sa.Engine, statement: str) -> object:
    with transaction(engine) as connection:
        return connection.exec_driver_sql(statement).scalar_one()


def test_who_waits_for_too_long_gets_the_error_of_a_broken_connection(engine):
    deadlines = Deadlines(engine)
    with transaction(engine) as idle_later:
        idle_later.exec_driver_sql("SELECT 1")
    said: list[BaseException] = []

    def wait() -> None:
        try:
            ask(engine, "SELECT count(*) FROM pg_sleep(600)")
        except DatabaseUnavailable as error:
            said.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    until(lambda: engine.pool.checkedout() == 1)
    assert deadlines.cut(60) == 0
    until(lambda: deadlines.cut(0) or said)
    waiting.join()
    assert "is not available" in str(said[0])
    assert deadlines.cut(0) == 0
    assert ask(engine, "SELECT 1") == 1


def test_a_connection_whose_user_does_something_else_is_not_cut_for_that(engine):
    """An estimate of seconds lost its connection, and was not stored."""
    deadlines = Deadlines(engine)
    with transaction(engine) as connection:
        process = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        assert deadlines.cut(0) == 0
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() == process


def test_a_connection_that_was_given_back_is_not_cut(engine):
    deadlines = Deadlines(engine)
    process = ask(engine, "SELECT pg_backend_pid()")
    assert deadlines.cut(0) == 0
    assert ask(engine, "SELECT pg_backend_pid()") == process


def test_once_it_is_closed_a_connection_is_cut_that_was_in_use_and_so_is_the_next(engine):
    """A thread that came for its connection a moment later waited for a statement without end."""
    deadlines = Deadlines(engine)
    with pytest.raises(DatabaseUnavailable), transaction(engine) as in_use:
        in_use.exec_driver_sql("SELECT 1")
        deadlines.close()
        in_use.exec_driver_sql("SELECT 1")
    with pytest.raises(DatabaseUnavailable):
        ask(engine, "SELECT 1")
