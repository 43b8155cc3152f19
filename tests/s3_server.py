"""A real S3 server (SeaweedFS) for a test run, shared by its workers; it ends with the last of them, however they end.

As a script it starts the server in a folder and stops it once nobody holds the folder's lock.
"""

import fcntl
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WEED = Path(sys.executable).with_name("weed")
_START_S = 60
_GRPC = 10_000  # each service also listens on its port and so many more


@dataclass(frozen=True)
class S3Server:
    """`key` and `secret` may do everything, `reader` and its secret may read."""

    endpoint: str
    key: str = "the-writers-key"
    secret: str = "the writer's secret"
    reader: str = "the-readers-key"
    reader_secret: str = "the reader's secret"

    def environment(self) -> dict[str, str]:
        """What boto3 reads."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def shared_server(folder: Path) -> Iterator[S3Server]:
    """The folder's server, started where it does not run yet."""
    folder.mkdir(exist_ok=True)
    with (folder / "users.lock").open("w") as users, (folder / "start.lock").open("w") as start:
        fcntl.flock(users, fcntl.LOCK_SH)  # first: while somebody holds it, nobody stops the server
        fcntl.flock(start, fcntl.LOCK_EX)
        if not (folder / "endpoint").exists():
            # Not a Popen: nobody here waits for its end, which may come after this process's own.
            command = [sys.executable, __file__, str(folder)]
            _wait_for(folder / "endpoint", os.posix_spawn(sys.executable, command, os.environ, setsid=True))
        fcntl.flock(start, fcntl.LOCK_UN)
        yield S3Server((folder / "endpoint").read_text())


def _wait_for(path: Path, keeper: int) -> None:
    deadline = time.monotonic() + _START_S
    while not path.exists():
        if os.waitpid(keeper, os.WNOHANG) != (0, 0) or time.monotonic() > deadline:
            raise RuntimeError(f"SeaweedFS did not start: see {path.with_name('log')}")
        time.sleep(0.02)


def _keep(folder: Path) -> None:
    ports = free_ports(5)
    identities = [
        _identity("writer", S3Server.key, S3Server.secret, "Admin"),
        _identity("reader", S3Server.reader, S3Server.reader_secret, "Read", "List"),
    ]
    (folder / "identities.json").write_text(json.dumps({"identities": identities}))
    (folder / "data").mkdir(exist_ok=True)
    services = ("s3", "master", "volume", "filer", "admin")
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [
                WEED, "mini", f"-dir={folder / 'data'}", f"-s3.config={folder / 'identities.json'}", "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1", "-master.telemetry=false", "-webdav=false", "-admin.ui=false",
                "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false",
                *(f"-{service}.port={port}" for service, port in zip(services, ports, strict=True)),
            ],
            stdout=log, stderr=log, cwd=folder, env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        ) as server,
        (folder / "users.lock").open("w") as users,
    ):  # fmt: skip
        while server.poll() is None and not _answers(ports[0]):
            time.sleep(0.02)
        part = folder / "endpoint.part"
        part.write_text(f"http://127.0.0.1:{ports[0]}")
        part.rename(folder / "endpoint")
        fcntl.flock(users, fcntl.LOCK_EX)  # waits for the last user
        (folder / "endpoint").unlink()
        server.kill()  # nothing of it is kept, and a clean stop takes seconds


def _identity(name: str, key: str, secret: str, *actions: str) -> dict[str, object]:
    return {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(n: int) -> list[int]:
    """Below the range that the system gives away by itself; each with its companion."""
    ports = random.sample(range(11_000, 21_000), 200)
    return [port for port in ports if not (_answers(port) or _answers(port + _GRPC))][:n]


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
