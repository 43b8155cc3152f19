"""Reaching PostgreSQL: addresses, sessions, and what a lost connection becomes."""

import socket
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from resources.database import engine as engine_module
from resources.database.engine import make_engine, transaction
from resources.errors import DatabaseUnavailable, InvalidInput, OperatorRequired


@pytest.fixture
def engine(shared_database_url: str) -> Iterator[sa.Engine]:
    engine = make_engine(shared_database_url, "the test", statement_timeout_s=30)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_every_usual_spelling_of_an_address_reaches_the_server(shared_database_url: str, scheme: str) -> None:
    engine = make_engine(scheme + shared_database_url.removeprefix("postgresql+psycopg"))
    with transaction(engine) as connection:
        assert isinstance(connection.connection.driver_connection, psycopg.Connection)
    engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "secret",
        "mysql://u:secret@h/d",
        "sqlite:///secret",
        "postgresql://u:secret@h",
        "postgresql://u:secret@h:x/d",
    ],
)
def test_what_is_no_postgresql_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        make_engine(url)
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_session_is_in_utc_with_its_name_and_time_limit_and_what_the_address_asks(shared_database_url: str) -> None:
    engine = make_engine(f"{shared_database_url}?options=-c%20work_mem%3D5MB", "the test", statement_timeout_s=1.5)
    with transaction(engine) as connection:
        names = ("timezone", "application_name", "statement_timeout", "work_mem")
        settings = [connection.scalar(sa.text("SELECT current_setting(:name)"), {"name": name}) for name in names]
    engine.dispose()
    assert settings == ["UTC", "the test", "1500ms", "5MB"]


def test_a_transaction_is_kept_whole_or_not_at_all(engine: sa.Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(sa.text("CREATE TABLE whole (n int)"))
    with pytest.raises(ZeroDivisionError), transaction(engine) as connection:
        connection.execute(sa.text("INSERT INTO whole VALUES (1)"))
        raise ZeroDivisionError
    with transaction(engine) as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM whole")) == 0
        connection.execute(sa.text("DROP TABLE whole"))


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        engine = make_engine(f"postgresql://somebody:secret@127.0.0.1:{port}/exams")
        message = f"127.0.0.1:{port}/exams is not available: .*refused"
        with pytest.raises(DatabaseUnavailable, match=message) as raised, transaction(engine):
            pass
    assert "secret" not in str(raised.value)


def test_a_wrong_password_is_unavailable_and_says_why(shared_database_url: str) -> None:
    url = sa.make_url(shared_database_url).set(password="wrong-secret")
    engine = make_engine(url.render_as_string(hide_password=False))
    with pytest.raises(DatabaseUnavailable, match="password authentication failed") as raised, transaction(engine):
        pass
    assert "wrong-secret" not in str(raised.value)


def test_a_connection_that_breaks_during_the_work_is_unavailable_and_the_next_one_works(engine: sa.Engine) -> None:
    with pytest.raises(DatabaseUnavailable, match="terminating connection"), transaction(engine) as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
    with transaction(engine) as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1


def test_a_connection_that_broke_while_idle_is_replaced_without_anybody_noticing(engine: sa.Engine) -> None:
    with transaction(engine) as connection:
        pid = connection.scalar(sa.text("SELECT pg_backend_pid()"))
    other = sa.create_engine(engine.url, poolclass=sa.NullPool)
    with other.connect() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    with transaction(engine) as connection:
        assert connection.scalar(sa.text("SELECT pg_backend_pid()")) != pid


def test_a_broken_copy_is_unavailable_too_though_sqlalchemy_does_not_see_it(engine: sa.Engine) -> None:
    with pytest.raises(DatabaseUnavailable), transaction(engine) as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        driver.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def test_a_mistake_in_a_statement_is_not_unavailability(engine: sa.Engine) -> None:
    with pytest.raises(sa.exc.ProgrammingError), transaction(engine) as connection:
        connection.execute(sa.text("SELECT nothing"))
    with pytest.raises(sa.exc.OperationalError, match="statement timeout"), transaction(engine) as connection:
        connection.execute(sa.text("SET LOCAL statement_timeout = 10"))
        connection.execute(sa.text("SELECT pg_sleep(5)"))


def test_a_server_that_is_too_old_is_refused(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old server cannot be had here, so this one counts as old."""
    monkeypatch.setattr(engine_module, "OLDEST_SERVER", 99)
    with pytest.raises(OperatorRequired, match=r"runs PostgreSQL 16\.\d+; this needs 99 or later"), transaction(engine):
        pass
