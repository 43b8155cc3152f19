"""A PgBouncer in transaction mode in front of a PostgreSQL, on loopback: two sessions of the server for everybody."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from resources import ports
from tests.waiting import until

_SETTINGS = """
[databases]
* = host={host} port={port} user={user} password='{password}'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
query_wait_timeout = 20
{more}
"""


@contextmanager
def pooling(server_url: str, folder: Path, *, pool_size: int = 2, more: str = "") -> Iterator[str]:
    """The address of the same database by way of the pooler; its settings lie in `folder`. Skips where none is
    installed."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed: apt-get install pgbouncer")
    url = sa.make_url(server_url)
    listen = ports.probe("127.0.0.1", 0)
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        _SETTINGS.format(
            host=url.host, port=url.port, user=url.username, password=url.password, listen=listen,
            pool_size=pool_size, more=more,
        )
    )  # fmt: skip
    nobody = pwd.getpwnam("nobody")
    account: dict[str, Any] = (
        {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    )
    with settings.open("rb") as opened, (folder / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-q", f"/dev/fd/{opened.fileno()}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
            pass_fds=[opened.fileno()], **account,
        )  # fmt: skip
        try:
            until(lambda: _listens(listen, process))
            yield url.set(host="127.0.0.1", port=listen).render_as_string(hide_password=False)
        finally:
            process.terminate()
            process.wait()


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "PgBouncer ended"
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
