"""One embedded server's folder: which file is what, and the locks in it.

Locks (flock) are the only truth about which processes live, because the kernel lets go of them however a process ends;
the other files are what the last server left written.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from resources import atomic_file


@dataclass(frozen=True)
class ServerFolder:
    root: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def log(self) -> Path:
        return self.root / "postgres.log"

    @property
    def password(self) -> Path:
        """The superuser's; readable by its owner alone."""
        return self.root / "password"

    @property
    def state(self) -> Path:
        return self.root / "server.json"

    @property
    def clients_lock(self) -> Path:
        """Shared, held by every process that uses the server, for its life."""
        return self.root / "clients.lock"

    @property
    def start_lock(self) -> Path:
        """Exclusive, held by the client that starts the server."""
        return self.root / "start.lock"

    @property
    def supervisor_lock(self) -> Path:
        """Exclusive, held by the supervisor for its life."""
        return self.root / "supervisor.lock"

    @property
    def data_lock(self) -> Path:
        """Exclusive, held by the supervisor and, by inheritance, by every PostgreSQL process on the data."""
        return self.root / "data.lock"

    def publish(self, port: int) -> None:
        atomic_file.write(self.state, json.dumps({"port": port, "supervisor_pid": os.getpid()}).encode() + b"\n")

    def last_port(self) -> int | None:
        """Where the server listens, or the last one did: only a connection tells which."""
        try:
            return int(json.loads(self.state.read_text())["port"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None  # not started yet, or cut short by a full disk: the next start writes it anew


@contextlib.contextmanager
def opened(lock: Path) -> Iterator[int]:
    """A descriptor to lock; closing it unlocks. Python lets no program started from here inherit it."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Take the lock if nobody is in the way; never waits."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
