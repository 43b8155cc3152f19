"""A client of the embedded server as a process of its own, and what can be seen of the server from outside."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from resources.postgres.server_folder import ServerFolder, wait_until
from tests.waiting import PATIENCE_S

_ROOT = Path(__file__).parents[3]
_CLIENT = """
import subprocess, sys
from pathlib import Path
from resources.postgres import embedded
from resources.errors import SeedtestError
try:
    print(embedded.connect_url(Path(sys.argv[1])), flush=True)
except SeedtestError as error:
    sys.exit(str(error))
if sys.argv[2:] == ["with a child"]:
    print(subprocess.Popen(["sleep", "60"], stdout=-3, stderr=-3).pid, flush=True)
sys.stdin.read()
"""
AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root can become another user")
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
        return self.process.communicate(timeout=PATIENCE_S)[1]

    def end(self, number: int | None = None) -> None:
        if number is None:
            self.process.communicate()
        else:
            self.process.send_signal(number)
            self.process.communicate()

    def query(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def __enter__(self) -> "Client":
        self.dsn = self.url().replace("+psycopg", "")
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.end()


def folder_of(home: Path) -> ServerFolder:
    return ServerFolder(home / "postgres")


def postmaster(home: Path) -> int:
    return int((folder_of(home).data / "postmaster.pid").read_text().splitlines()[0])


def supervisor_of(home: Path) -> int:
    pid = json.loads(folder_of(home).state.read_text())["supervisor_pid"]
    assert isinstance(pid, int)
    return pid


def postgres_lives(home: Path) -> bool:
    """A postmaster.pid disappears at a clean end; after a kill its process does."""
    try:
        os.kill(postmaster(home), 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True


def end_server(home: Path) -> None:
    """At once. By itself it ends two seconds after its last client, which one test waits for."""
    supervisor = supervisor_of(home)
    os.kill(supervisor, signal.SIGTERM)
    assert wait_until(gone(supervisor), PATIENCE_S)


def gone(pid: int) -> Callable[[], bool]:
    def is_gone() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return Path(f"/proc/{pid}/stat").exists() and ") Z" in Path(f"/proc/{pid}/stat").read_text()

    return is_gone
