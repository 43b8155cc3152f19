"""A PostgreSQL that this machine has by its own packages, not the embedded one: another version, started for a test."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from resources import ports
from resources.postgres import account
from tests.waiting import until


def binaries() -> Path:
    """Of the newest; or of the one in PG_BIN, for a look at yet another version. Skips where there is none."""
    if given := os.environ.get("PG_BIN"):
        return Path(given)
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    if not found:
        pytest.skip("no PostgreSQL of the system's: apt-get install postgresql")
    return found[-1]


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Its address, database `postgres`; all of it lies in `folder`."""
    programs, data = binaries(), folder / "data"
    owner = account.choose(programs / "postgres", data)
    become = owner.assume if owner else None
    data.mkdir(mode=0o700)
    if owner:
        os.chown(data, owner.uid, owner.gid)
    made: list[str | Path] = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        "platform",
        "-A",
        "trust",
        "--locale=C",
        "-E",
        "UTF8",
        "-N",
    ]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd="/", preexec_fn=become)
    port = ports.probe("127.0.0.1", 0)
    settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", f"port={port}"]
    with (folder / "postgres.log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *(f"--{setting}" for setting in settings)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", preexec_fn=become,
        )  # fmt: skip
        url = f"postgresql://platform:unused@127.0.0.1:{port}/postgres"
        try:
            until(lambda: _answers(url, server))
            yield url
        finally:
            server.send_signal(2)  # SIGINT: a fast end
            server.wait()


def _answers(url: str, server: subprocess.Popen[bytes]) -> bool:
    assert server.poll() is None, "PostgreSQL ended"
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
