"""PostgreSQL without a server to install: the first process that asks for it starts it, the last one to end stops it.

A process that has asked is a client for as long as it lives. Stays out: how the server is run (`supervisor`).
"""

import errno
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
from psycopg import errors, sql

from resources import private_folder
from resources.errors import DatabaseUnavailable, OperatorRequired
from resources.postgres.server_folder import ServerFolder, opened, try_lock, wait_until
from resources.postgres.supervisor import ANOTHER_LIVES, SUPERUSER

_START_S = 150.0  # longer than the supervisor's own limits: its message is the better one
_LOG_LIMIT_BYTES = 10_000_000
_LOG_LINES = 8
_FULL = {errno.ENOSPC, errno.EDQUOT}
_ROOM_MB = 100  # an empty database takes 60 MB
_MAKE_ROOM = "Make room, set SEEDTEST_HOME to a folder on another disk, or set DATABASE_URL."

_one_at_a_time = threading.Lock()
_leases: dict[Path, int] = {}  # never closed: the end of the process is the end of the lease


def connect_url(home: Path, database: str = "seedtest") -> str:
    """Address of a database on the server of `home`; both are made and started if need be.

    Some milliseconds where the server runs, a third of a second to start it, a few seconds the first time. The server
    stays until every process that called this has ended.

    Raises:
        OperatorRequired: the server does not start; the message ends with the log's last lines.
        DatabaseUnavailable: it runs, but does not answer.
    """
    folder = ServerFolder(home.resolve() / "postgres")
    with _one_at_a_time:
        try:
            private_folder.make(folder.root)
            _lease(folder)
            port = _answering(folder) or _start(folder)
            _ensure(folder, port, database)
        except OSError as error:
            raise OperatorRequired(
                f"The embedded PostgreSQL cannot use {error.filename or folder.root}: {error.strerror}.",
                where=error.filename or folder.root,
                remedy=_MAKE_ROOM
                if error.errno in _FULL
                else "Set SEEDTEST_HOME to a folder of your own, or DATABASE_URL.",
            ) from error
    return f"postgresql+psycopg://{SUPERUSER}:{folder.password.read_text()}@127.0.0.1:{port}/{database}"


def _lease(folder: ServerFolder) -> None:
    if folder.root in _leases:
        return
    descriptor = os.open(folder.clients_lock, os.O_RDWR | os.O_CREAT, 0o600)
    if not wait_until(lambda: try_lock(descriptor, shared=True), _START_S):  # a server that stops at this moment
        os.close(descriptor)
        raise DatabaseUnavailable(
            f"The PostgreSQL server in {folder.root} does not finish stopping",
            where=folder.root,
            remedy=f"see {folder.log}.",
        )
    _leases[folder.root] = descriptor


def _answering(folder: ServerFolder) -> int | None:
    """The port where the folder's own server answers now; another server there does not know the password."""
    port = folder.last_port()
    if port is None:
        return None
    try:
        with _connect(folder, port):
            return port
    except psycopg.OperationalError:
        return None


def _connect(folder: ServerFolder, port: int) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host="127.0.0.1", port=port, user=SUPERUSER, password=folder.password.read_text(), dbname="postgres",
        connect_timeout=2, require_auth="scram-sha-256", autocommit=True,
    )  # fmt: skip


def _start(folder: ServerFolder) -> int:
    with opened(folder.start_lock) as lock:
        if not try_lock(lock):
            if not wait_until(lambda: try_lock(lock), _START_S):
                raise DatabaseUnavailable(
                    f"Another process is still starting PostgreSQL in {folder.root}",
                    where=folder.root,
                    remedy="try again.",
                )
            if port := _answering(folder):
                return port  # that other process has started it
        _require_room(folder)
        log_begins = _rotate(folder.log)
        supervisor = _spawn_supervisor(folder)

        def settled() -> bool:
            nonlocal supervisor
            if supervisor.poll() == ANOTHER_LIVES:  # it was killed or is stopping; its folder is free soon
                supervisor = _spawn_supervisor(folder)
            return supervisor.poll() is not None or _answering(folder) is not None

        if wait_until(settled, _START_S) and (port := _answering(folder)):
            # Somebody must collect the supervisor's exit status, or it stays in the process table.
            threading.Thread(target=supervisor.wait, daemon=True).start()
            return port
        tail = folder.log.read_bytes()[log_begins:].decode(errors="replace").splitlines()[-_LOG_LINES:]
        if any(os.strerror(number) in line for number in _FULL for line in tail):
            raise OperatorRequired(
                f"The disk that {folder.root} lies on is full.", where=folder.root, remedy=_MAKE_ROOM
            )
        said = "\n".join(f"    {line}" for line in tail)
        remedy = f"Mend what the log names ({folder.log}), or set DATABASE_URL to a server of your own."
        raise OperatorRequired("The embedded PostgreSQL did not start.", where=folder.root, remedy=f"{remedy}\n{said}")


def _require_room(folder: ServerFolder) -> None:
    """For a new database, before it is made: on a full disk there is no log that would say why it was not."""
    free_mb = shutil.disk_usage(folder.root).free // 1_000_000
    if not folder.data.exists() and free_mb < _ROOM_MB:
        raise OperatorRequired(
            f"The disk that {folder.root} lies on has {free_mb} MB left, and a new database needs {_ROOM_MB} MB.",
            where=folder.root,
            remedy=_MAKE_ROOM,
        )


def _rotate(log: Path) -> int:
    """The log's size, after a log too long was put aside."""
    size = log.stat().st_size if log.exists() else 0
    if size < _LOG_LIMIT_BYTES:
        return size
    log.replace(log.with_suffix(".log.1"))
    return 0


def _spawn_supervisor(folder: ServerFolder) -> subprocess.Popen[bytes]:
    # The supervisor is the one beside this file, wherever the caller stands.
    search_path = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    with folder.log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "resources.postgres.supervisor", str(folder.root)],
            cwd="/", env={**os.environ, "PYTHONPATH": os.pathsep.join(search_path)},
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def _ensure(folder: ServerFolder, port: int, database: str) -> None:
    with _connect(folder, port) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
            try:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
            except (errors.DuplicateDatabase, errors.UniqueViolation):
                return  # another client was faster
