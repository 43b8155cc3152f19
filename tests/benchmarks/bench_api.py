"""How fast update-theta is, beside two floors in the same run: python -m tests.benchmarks.bench_api [ROUNDS].

They take turns, some seconds each, so that a busy machine is busy for all of them. Where load and PostgreSQL share two
cores, two workers have no core of their own: so one and two are compared when each has the same share of a core, as a
container's limit gives it, and the same number of connections.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx

from resources.estimators.r_service import process
from seedtest_pipeline.api.schemas import BATCH
from tests.benchmarks import processor_share, processor_time
from tests.benchmarks.api_bench_bed import bed
from tests.benchmarks.http_load import Figures, load

USERS = 10_000
CONNECTIONS = 8
SECONDS = 4
SHARE, OF_EACH_WORKER = 0.4, 16  # of a core; connections
UPDATE = "/analysis/irt/update-theta"
API = ("seedtest_pipeline", "api")


@dataclass(frozen=True)
class Contestant:
    port: int
    path: str
    server: subprocess.Popen[bytes]
    figures: list[Figures] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)  # of the server's processes, a request
    database_ms: list[float] = field(default_factory=list)  # of PostgreSQL's


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        home = Path(folder)
        here = running.enter_context(bed(home, USERS, weeks_made=True))
        token, database = here.token, processor_time.postmaster(here.database_url)

        def served(path: str, *command: str, **settings: str) -> Contestant:
            port = free_port()
            begin = here.server(port, *command, "--port", str(port), log=home / f"{port}.log", **settings)
            return Contestant(port, path, running.enter_context(begin))

        floors = served("/floor1", "tests.benchmarks.api_floors")
        api = served(UPDATE, *API)
        start_s = processor_time.of(api.server.pid)
        memory_mb = int(Path(f"/proc/{api.server.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
        contestants = {
            "floor 1": floors, "floor 2": Contestant(floors.port, "/floor2", floors.server), "update-theta": api,
        }  # fmt: skip
        print(f"the API's start: {start_s:.2f} s of processor, {memory_mb:.0f} MB; {USERS:,} users, 50 answers each; "
              f"{CONNECTIONS} connections; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")  # fmt: skip
        for one in contestants.values():
            load(
                one.port, one.path, token, users=USERS, connections=CONNECTIONS, seconds=1
            )  # plans, connections, scipy
        for _ in range(rounds):
            for one in contestants.values():
                _measure(one, token, database, CONNECTIONS)
        for name, one in contestants.items():
            _tell(name, one)
        for floor in ("floor 1", "floor 2"):
            _compare(f"update-theta / {floor}", api, contestants[floor])
        print(f"update-theta:batch of {BATCH:,}: {_batch_per_s(api.port, token):,.0f} users/s")
        two = served(UPDATE, *API, "--workers", "2")
        load(two.port, UPDATE, token, users=USERS, connections=2 * OF_EACH_WORKER, seconds=1)
        _compare_workers(api, two, token, database, rounds)
        with_r = served(UPDATE, *API, R_IRT_BASE_URL=running.enter_context(process.running(log=home / "r.log")))
        load(with_r.port, UPDATE, token, users=USERS, connections=4, seconds=1)
        _measure(with_r, token, database, 4)
        _tell("with R", with_r)


def _compare(name: str, one: Contestant, other: Contestant) -> None:
    ratios = [a.per_s / b.per_s for a, b in zip(one.figures, other.figures, strict=True)]
    print(f"{name}: {median(ratios):.0%} (of {min(ratios):.0%} to {max(ratios):.0%})")


def _compare_workers(api: Contestant, two: Contestant, token: str, database: int, rounds: int) -> None:
    shared = processor_share.possible()
    limited = processor_share.limited if shared else lambda *_: nullcontext()
    one = Contestant(api.port, api.path, api.server)
    with limited(one.server.pid, SHARE), limited(two.server.pid, 2 * SHARE):
        for _ in range(rounds):
            _measure(one, token, database, OF_EACH_WORKER)
            _measure(two, token, database, 2 * OF_EACH_WORKER)
    print(f"workers of {SHARE} cores and {OF_EACH_WORKER} connections each:" if shared
          else "workers that share this machine's cores, since no control group can be made here:")  # fmt: skip
    _tell("1 worker", one)
    _tell("2 workers", two)
    _compare("2 workers / 1 worker", two, one)


def _measure(one: Contestant, token: str, database: int, connections: int) -> None:
    before = processor_time.of(one.server.pid), processor_time.of(database)
    figures = load(one.port, one.path, token, users=USERS, connections=connections, seconds=SECONDS)
    own_s, database_s = processor_time.of(one.server.pid) - before[0], processor_time.of(database) - before[1]
    requests = figures.per_s * SECONDS
    one.figures.append(figures)
    one.cpu_ms.append(1000 * own_s / requests)
    one.database_ms.append(1000 * database_s / requests)


def _batch_per_s(port: int, token: str) -> float:
    """Users a second, of all, one batch after the other."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
        begun = time.perf_counter()
        for first in range(0, USERS, BATCH):
            asked = {"user_ids": [f"user-{n}" for n in range(first, first + BATCH)]}
            answer = client.post(f"{UPDATE}:batch", json=asked, headers={"Authorization": f"Bearer {token}"})
            assert {one["status"] for one in answer.raise_for_status().json()["outcomes"]} == {"ok"}
    return USERS / (time.perf_counter() - begun)


def _tell(name: str, one: Contestant) -> None:
    found = one.figures
    per_s, p50, p95, p99 = (median(getattr(f, what) for f in found) for what in ("per_s", "p50_ms", "p95_ms", "p99_ms"))
    errors = sum(f.errors for f in found)
    print(f"{name:>12}: {per_s:7,.0f}/s   p50 {p50:6.1f}   p95 {p95:6.1f}   p99 {p99:6.1f} ms   processor "
          f"{median(one.cpu_ms):.2f} ms, PostgreSQL's {median(one.database_ms):.2f}   {errors} errors")  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
