"""Load over loopback: by wrk where it is installed, else by this process, which takes more of the machine."""

import asyncio
import os
import random
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

_SCRIPT = """
local body = '{"user_id":"user-%d"}'
function init() math.randomseed(os.time()) end
function request()
  local headers = {["Content-Type"] = "application/json", ["Authorization"] = os.getenv("AUTHORIZATION")}
  return wrk.format("POST", os.getenv("REQUEST_PATH"), headers, string.format(body, math.random(0, %d)))
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("figures %%f %%d %%d %%f %%f %%f\\n", summary.duration / 1e6, summary.requests,
    e.status + e.connect + e.read + e.write + e.timeout,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
""".replace('"user-%d"', '"user-%%d"', 1)


@dataclass(frozen=True)
class Figures:
    """Requests a second, milliseconds, and answers that were not 200 or did not come."""

    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    errors: int


class Connection:
    """One HTTP/1.1 connection that stays open."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token = port, token

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body."""
        self._writer.write(
            b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (path.encode(), self._token.encode(), len(body), body)
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        assert length is not None
        return int(head[9:12]), await self._reader.readexactly(int(length[1]))


def load(port: int, path: str, token: str, *, users: int, connections: int, seconds: float) -> Figures:
    """What came of asking about random users as fast as answers come."""
    if shutil.which("wrk") is None:
        return asyncio.run(_by_sockets(port, path, token, users, connections, seconds))
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "update.lua"
        script.write_text(_SCRIPT % (users - 1))
        said = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}", "-s", script, f"http://127.0.0.1:{port}"],
            env={**os.environ, "AUTHORIZATION": f"Bearer {token}", "REQUEST_PATH": path},
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    figures = re.search(r"^figures (.*)$", said, re.MULTILINE)
    assert figures is not None, said
    took_s, requests, errors, p50_ms, p95_ms, p99_ms = map(float, figures[1].split())
    return Figures(requests / took_s, p50_ms, p95_ms, p99_ms, int(errors))


async def _by_sockets(port: int, path: str, token: str, users: int, connections: int, seconds: float) -> Figures:
    took_s: list[float] = []
    errors = 0
    end = time.perf_counter() + seconds

    async def ask() -> None:
        nonlocal errors
        async with Connection(port, token) as connection:
            while (begun := time.perf_counter()) < end:
                body = b'{"user_id":"user-%d"}' % random.randrange(users)
                status, _ = await connection.post(path, body)
                took_s.append(time.perf_counter() - begun)
                errors += status != 200

    await asyncio.gather(*(ask() for _ in range(connections)))
    p50, p95, p99 = np.percentile(took_s, [50, 95, 99]) * 1000
    return Figures(len(took_s) / seconds, p50, p95, p99, errors)
