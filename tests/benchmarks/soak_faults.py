"""What breaks in the soak, each for some seconds and then mended: the R service, the database in six ways, the identity
provider, and callers who send slowly."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from resources.postgres import embedded
from tests.benchmarks.api_bench_bed import Bed
from tests.benchmarks.bench_api import UPDATE, free_port
from tests.integration.silent_proxy import SilentProxy

DOWN_S = 8.0
_OURS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'seedtest%'"
# For whoever writes while the API's sessions may not.
WRITABLE = "-c default_transaction_read_only=off"


class RService:
    """On a port that stays, so that the API finds it again."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self._log = log.open("ab")
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "seedtest_pipeline", "r-irt", "--port", str(self.port)]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/healthz", trust_env=False)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@dataclass(frozen=True)
class Faults:
    here: Bed
    r: RService
    proxy: SilentProxy  # between the API and the database
    port: int  # the API's

    @property
    def by_name(self) -> dict[str, Callable[[], AbstractContextManager[None]]]:
        return {
            "slow sockets": self.slow_sockets,
            "database hangs": self.database_hangs,
            "table locked": self.table_locked,
            "host vanished": self.host_vanished,
            "read-only": self.read_only,
            "database restarted": self.database_restarted,
            "provider down": self.provider_down,
            "R killed": self.r_killed,
        }

    @contextmanager
    def r_killed(self) -> Iterator[None]:
        self.r.kill()
        yield
        self.r.start()

    @contextmanager
    def provider_down(self) -> Iterator[None]:
        self.here.provider.kill()
        yield
        self.here.provider.revive()

    @contextmanager
    def database_restarted(self) -> Iterator[None]:
        os.kill(self._postmaster(), signal.SIGINT)  # "fast": every connection is cut
        yield
        embedded.connect_url(self.here.home, "postgres")

    @contextmanager
    def database_hangs(self) -> Iterator[None]:
        postmaster = self._postmaster()
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        stopped = [postmaster, *map(int, children)]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        yield
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)

    @contextmanager
    def host_vanished(self) -> Iterator[None]:
        self.proxy.speaks = False
        yield
        self.proxy.speaks = True

    @contextmanager
    def read_only(self) -> Iterator[None]:
        name = self.here.database_url.rpartition("/")[2]
        with self._connect() as connection:
            connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
            connection.execute(_OURS)  # sessions that are open stay as they are
        yield
        with self._connect() as connection:
            connection.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')

    @contextmanager
    def table_locked(self) -> Iterator[None]:
        with self._connect() as connection, connection.transaction():
            connection.execute("LOCK TABLE seedtest_mirt_ability IN ACCESS EXCLUSIVE MODE")
            yield

    @contextmanager
    def slow_sockets(self) -> Iterator[None]:
        """Silence, half a head, and half a body with a good token, more of each than there are places."""
        head = f"POST {UPDATE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.here.token}\r\n".encode()
        body = b"Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{"
        with ExitStack() as crowd:
            for begun in (b"", head, head + body):
                for _ in range(100):
                    one = crowd.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=10))
                    one.sendall(begun)
            yield

    def _postmaster(self) -> int:
        return int((self.here.home / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.here.database_url.replace("+psycopg", ""), autocommit=True, options=WRITABLE)


async def break_things(faults: Faults, until: float) -> Counter[str]:
    """In turn, again and again, with a pause in which the R service's circuit closes again."""
    done: Counter[str] = Counter()
    while True:
        for name, fault in faults.by_name.items():
            await asyncio.sleep(DOWN_S)
            if time.monotonic() > until:
                return done
            broken = fault()
            await asyncio.to_thread(broken.__enter__)
            await asyncio.sleep(DOWN_S)
            await asyncio.to_thread(broken.__exit__, None, None, None)
            done[name] += 1
        await asyncio.sleep(3 * DOWN_S)


async def watch_the_process(port: int, until: float) -> int:
    """How often /livez had no answer."""
    missed = 0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=5) as client:
        while time.monotonic() < until:
            try:
                missed += (await client.get("/livez", headers={"Connection": "close"})).status_code != 200
            except httpx.TransportError:
                missed += 1
            await asyncio.sleep(0.25)
    return missed


def ends_in_time(faults: Faults, process: subprocess.Popen[bytes], name: str, grace_s: float) -> float | None:
    """How long the process took to end under this fault, with requests under way; None where it was by force, or longer
    than `grace_s`."""
    with faults.by_name[name](), ExitStack() as asked:
        for n in range(20):
            one = asked.enter_context(socket.create_connection(("127.0.0.1", faults.port), timeout=10))
            body = b'{"user_id": "user-%d"}' % n
            one.sendall(
                f"POST {UPDATE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {faults.here.token}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        try:
            status = process.wait(grace_s)
        except subprocess.TimeoutExpired:
            return None
        return time.monotonic() - begun if status == 0 else None
