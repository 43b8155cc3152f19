"""The embedded server's life, with real processes that really are killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from resources.postgres.server_folder import wait_until
from tests.unit.postgres.embedded_client import (
    AS_ROOT,
    Client,
    end_server,
    folder_of,
    gone,
    needs_linux,
    postgres_lives,
    postmaster,
    supervisor_of,
)
from tests.waiting import PATIENCE_S


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One server's home for the tests here: each leaves it as a crash or a clean end leaves it, and the next copes."""
    home = tmp_path_factory.mktemp("embedded") / "a folder with spaces"
    yield home
    assert wait_until(lambda: not postgres_lives(home), PATIENCE_S), "a server outlives its tests"


def test_the_server_stops_after_the_last_client_even_if_that_is_killed(home: Path) -> None:
    with Client(home) as first, Client(home) as second:
        assert first.query("SELECT pg_postmaster_start_time()") == second.query("SELECT pg_postmaster_start_time()")
        supervisor = supervisor_of(home)
        first.end()
        time.sleep(3)  # longer than the supervisor waits for clients to come back
        assert second.query("SELECT 1") == [(1,)]
        second.end(signal.SIGKILL)
    assert wait_until(gone(supervisor), PATIENCE_S)
    assert not postgres_lives(home)
    assert folder_of(home).log.read_text().rstrip().endswith("database system is shut down")


def test_a_child_process_does_not_prolong_its_parents_lease(home: Path) -> None:
    with Client(home, "with a child") as client:
        sleeper = int(client.url())
        supervisor = supervisor_of(home)
        client.end(signal.SIGKILL)
    assert wait_until(gone(supervisor), PATIENCE_S)
    os.kill(sleeper, signal.SIGTERM)  # it lived all the time, or this would raise


def test_clients_that_start_at_once_share_one_new_server(tmp_path: Path) -> None:
    clients = [Client(tmp_path / "new") for _ in range(3)]
    urls = {client.url() for client in clients}
    for client in clients:
        client.end()
    assert len(urls) == 1
    end_server(tmp_path / "new")


def test_a_killed_supervisor_takes_the_server_with_it_and_the_next_client_has_the_same_data_and_port(
    home: Path,
) -> None:
    with Client(home) as client:
        client.query("DROP TABLE IF EXISTS kept")
        client.query("CREATE TABLE kept AS SELECT 42 AS answer")
        server = postmaster(home)
        os.kill(supervisor_of(home), signal.SIGKILL)
        if sys.platform == "linux":  # elsewhere it runs on until the next start
            assert wait_until(gone(server), PATIENCE_S)
        with Client(home) as next_client:
            assert next_client.query("SELECT answer FROM kept") == [(42,)]
            assert client.query("SELECT answer FROM kept") == [(42,)]  # by the address that it had before


@needs_linux
def test_after_everything_was_killed_a_stale_pid_that_is_now_another_process_does_not_stop_the_start(
    home: Path,
) -> None:
    with Client(home) as client:
        client.query("DROP TABLE IF EXISTS kept")
        client.query("CREATE TABLE kept AS SELECT 43 AS answer")
        supervisor, server = supervisor_of(home), postmaster(home)
        pid_file = folder_of(home).data / "postmaster.pid"
        os.kill(supervisor, signal.SIGSTOP)  # so that it does not see its child die
        os.kill(server, signal.SIGKILL)
        os.kill(supervisor, signal.SIGKILL)
        client.end(signal.SIGKILL)
    owner = pid_file.stat().st_uid
    with subprocess.Popen(["sleep", "60"], user=owner if AS_ROOT else None) as other:
        lines = pid_file.read_text().splitlines(keepends=True)
        pid_file.write_text("".join([f"{other.pid}\n", *lines[1:]]))
        with Client(home) as client:
            assert client.query("SELECT answer FROM kept") == [(43,)]
        assert other.poll() is None
        other.kill()


def test_sigterm_to_the_supervisor_stops_the_server_cleanly(home: Path) -> None:
    with Client(home):
        supervisor = supervisor_of(home)
        os.kill(supervisor, signal.SIGTERM)
        assert wait_until(gone(supervisor), PATIENCE_S)
    assert not postgres_lives(home)
    assert folder_of(home).log.read_text().rstrip().endswith("database system is shut down")


def test_a_port_that_was_taken_meanwhile_is_chosen_anew(home: Path) -> None:
    with Client(home):
        end_server(home)
    port = folder_of(home).last_port()
    assert port is not None
    with socket.create_server(("127.0.0.1", port)), Client(home) as client:
        assert folder_of(home).last_port() != port
        assert client.query("SELECT 1") == [(1,)]


def test_only_the_password_opens_the_server_and_only_its_owner_reads_it(home: Path) -> None:
    with Client(home) as client:
        assert folder_of(home).password.stat().st_mode & 0o777 == 0o600
        password = folder_of(home).password.read_text()
        for other in (client.dsn.replace(password, "wrong"), client.dsn.replace(f":{password}", "")):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(other)
        assert client.query("SHOW listen_addresses") == [("127.0.0.1",)]
        assert client.query("SHOW unix_socket_directories") == [("",)]


def test_the_server_is_durable_and_speaks_utf8_and_utc(home: Path) -> None:
    names = ["fsync", "full_page_writes", "synchronous_commit", "data_checksums", "server_encoding", "timezone"]
    with Client(home) as client:
        settings = [client.query(f"SHOW {name}")[0][0] for name in names]
        assert client.query("SELECT current_setting('server_version_num')::int >= 160000") == [(True,)]
    assert settings == ["on", "on", "on", "on", "UTF8", "UTC"]


def test_a_server_that_does_not_start_says_why_and_what_to_do(tmp_path: Path) -> None:
    with Client(tmp_path):
        end_server(tmp_path)
    (folder_of(tmp_path).data / "PG_VERSION").write_text("12\n")
    message = Client(tmp_path).error()
    assert "did not start" in message
    assert "DATABASE_URL" in message
    assert "initialized by PostgreSQL version 12" in message
