"""Reaching PostgreSQL: addresses, sessions, and what a lost connection becomes."""

import os
import socket
import traceback
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from resources.database import session
from resources.database.engine import driver_connection, make_engine, require_writable, transaction
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
        "postgresql://u:pa@secret@h/d",
        "postgresql://u:pa@x/secret@h/d",
        "postgresql://u:pa@secret#@h:5432/d",
        "postgresql://u:pa@secret:7@h:5432/d",
        "postgresql://u:secret@h/d?pgbouncer=true",
    ],
)
def test_what_is_no_postgresql_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        make_engine(url)
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "postgresql+asyncpg://u:p@h/d",
            r"begins with postgresql\+asyncpg://: that driver is another program's; write",
        ),
        ("mysql+pymysql://u:p@h/d", r"begins with mysql\+pymysql://: this needs PostgreSQL"),
        ("postgresql://u:a@b@h/d", "an @ too many: in user and password, write @ as %40"),
        ("postgresql://u:p@h/d?pgbouncer=true", 'does not know: invalid connection option "pgbouncer"'),
    ],
)
def test_what_is_wrong_with_an_address_is_named(url: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        make_engine(url)


def test_a_password_may_hold_anything_once_it_is_escaped_and_some_of_it_as_it_is() -> None:
    for written, meant in (("a%40b%2Fc%23%25", "a@b/c#%"), ("a#b/c:d", "a#b/c:d")):
        engine = make_engine(f"postgresql://u:{written}@h:5432/d")
        assert (engine.url.password, engine.url.host) == (meant, "h")
        assert meant not in str(engine.url)


def test_a_server_that_vanishes_is_noticed_within_20_s_while_waiting_and_while_sending(engine: sa.Engine) -> None:
    """It took a quarter of an hour: keepalives are not sent while something sent is not acknowledged."""
    with transaction(engine) as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        with socket.socket(fileno=os.dup(driver.fileno())) as line:
            tcp = [getattr(socket, name) for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")]
            idle, interval, count = (line.getsockopt(socket.IPPROTO_TCP, option) for option in tcp)
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
            assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert idle + interval * count == 20


def test_a_database_that_became_read_only_is_unavailable_and_asked_anew(engine: sa.Engine) -> None:
    """After a failover every request was a failure of ours, for ever, on connections to the old primary."""
    with transaction(engine) as connection:
        connection.exec_driver_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        pid = connection.scalar(sa.text("SELECT pg_backend_pid()"))
    with pytest.raises(DatabaseUnavailable, match=r"takes no writes: .*the primary"), transaction(engine) as connection:
        assert connection.scalar(sa.text("SELECT pg_backend_pid()")) == pid
        connection.execute(sa.text("CREATE TABLE never (n int)"))
    with transaction(engine) as connection:
        assert connection.scalar(sa.text("SELECT pg_backend_pid()")) != pid
        connection.exec_driver_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    with pytest.raises(DatabaseUnavailable, match="takes no writes"):
        require_writable(engine)
    require_writable(engine)


def test_what_was_asked_for_stands_in_no_error(engine: sa.Engine) -> None:
    """Parameters are learners' ids and answers, and errors go to logs."""
    learner = {"id": "-".join(["a", "learner"])}  # not in the source, of which a traceback shows lines
    with pytest.raises(sa.exc.ProgrammingError) as raised, transaction(engine) as connection:
        connection.execute(sa.text("SELECT nothing FROM (SELECT :id) AS n"), learner)
    assert "a-learner" not in "".join(traceback.format_exception(raised.value))
    with pytest.raises(sa.exc.IntegrityError, match="duplicate key") as raised, transaction(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE learners (id text PRIMARY KEY)")
        for _ in range(2):
            connection.execute(sa.text("INSERT INTO learners VALUES (:id)"), learner)
    assert "a-learner" not in "".join(traceback.format_exception(raised.value))


def test_a_session_is_in_utc_with_its_name_and_time_limit_and_what_the_address_asks(
    shared_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the environment says, which libpq hears, too."""
    for name, value in {"PGTZ": "Asia/Seoul", "PGDATESTYLE": "German", "PGCLIENTENCODING": "LATIN1"}.items():
        monkeypatch.setenv(name, value)
    engine = make_engine(f"{shared_database_url}?options=-c%20work_mem%3D5MB", "the test", statement_timeout_s=1.5)
    with transaction(engine) as connection:
        names = ("timezone", "application_name", "statement_timeout", "work_mem", "datestyle", "client_encoding")
        settings = [connection.scalar(sa.text("SELECT current_setting(:name)"), {"name": name}) for name in names]
    engine.dispose()
    assert settings == ["UTC", "the test", "1500ms", "5MB", "ISO, DMY", "UTF8"]


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


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        ("57014", DatabaseUnavailable, "stopped a statement: made up. If it took too long: raise statement_timeout"),
        ("25P03", DatabaseUnavailable, "raise idle_in_transaction_session_timeout"),
        ("25006", DatabaseUnavailable, "takes no writes: made up. .* the primary"),
        ("42501", OperatorRequired, "does not allow this: made up. Grant the role"),
        ("42P01", OperatorRequired, "has no such table: made up. Run: seedtest migrate"),
        ("53300", DatabaseUnavailable, "has no connection left: made up. Raise its max_connections"),
        ("53100", DatabaseUnavailable, "has a full disk: made up. Make room on the server"),
        ("53200", DatabaseUnavailable, "is out of memory"),
        ("55P03", DatabaseUnavailable, "waited too long for what another one holds"),
        ("40P01", DatabaseUnavailable, "let another transaction go first"),
        ("57P01", DatabaseUnavailable, "starts, stops or recovers"),
        ("58030", DatabaseUnavailable, "the disk may be broken"),
        ("08006", DatabaseUnavailable, "is not available: made up. Check that it runs"),
    ],
)
def test_what_the_server_refuses_is_a_sentence_with_its_remedy(engine, code, error, said) -> None:
    with pytest.raises(error, match=f"(?i){said}"), transaction(engine) as connection:
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE 'made up' USING ERRCODE = '{code}', DETAIL = 'detail'; END $$")


def test_what_no_code_of_the_servers_tells_is_told_by_its_words(engine) -> None:
    role = f"limited {engine.url.database}"
    with transaction(engine) as connection:
        connection.exec_driver_sql(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'p' CONNECTION LIMIT 0")
    try:
        for wrong, said in (
            ({"database": "nowhere"}, "has no such database: .*correct its name"),
            ({"username": "nobody"}, "does not let us in: .*Check user and password"),
            ({"username": role, "password": "p"}, "has no connection left: .*too many connections for role"),
        ):
            other = make_engine(engine.url.set(**wrong).render_as_string(hide_password=False))
            with pytest.raises(DatabaseUnavailable, match=said), transaction(other):
                pass
    finally:
        with transaction(engine) as connection:
            connection.exec_driver_sql(f'DROP ROLE "{role}"')


def test_a_server_that_is_too_old_is_refused(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old server cannot be had here, so this one counts as old."""
    monkeypatch.setattr(session, "OLDEST_SERVER", 99)
    with pytest.raises(OperatorRequired, match=r"runs PostgreSQL 16\.\d+; this needs 99 or later"), transaction(engine):
        pass


def test_a_statement_that_fails_takes_nobody_elses_connection(engine: sa.Engine) -> None:
    """Each failed update had the whole pool made anew, and the connections that were in use left open."""
    pool = engine.pool
    with pytest.raises(psycopg.errors.DivisionByZero), driver_connection(engine) as connection:
        connection.execute("SELECT 1 / 0")
    assert engine.pool is pool
    with pytest.raises(DatabaseUnavailable), driver_connection(engine) as connection:
        with transaction(engine) as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": connection.info.backend_pid})
        connection.execute("SELECT 1")
    assert engine.pool is not pool
