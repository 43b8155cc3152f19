"""How fast update-theta is, beside two floors in the same run: python -m tests.benchmarks.bench_api [ROUNDS].

The three take turns, some seconds each, so that a busy machine is busy for all of them.
"""

import os
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import httpx

from resources.estimators.r_service import process
from seedtest_pipeline.api.schemas import BATCH
from tests.benchmarks.api_bench_bed import bed
from tests.benchmarks.http_load import Figures, load

USERS = 10_000
CONNECTIONS = 8
SECONDS = 4
UPDATE = "/analysis/irt/update-theta"


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        home = Path(folder)
        here = running.enter_context(bed(home, USERS, weeks_made=True))
        token = here.token
        floors, api, api_with_r = free_port(), free_port(), free_port()
        running.enter_context(
            here.server(floors, "tests.benchmarks.api_floors", str(floors), log=home / "floors.log")
        )  # fmt: skip
        running.enter_context(
            here.server(api, "seedtest_pipeline", "api", "--port", str(api), log=home / "api.log")
        )  # fmt: skip
        contestants = {"floor 1": (floors, "/floor1"), "floor 2": (floors, "/floor2"), "update-theta": (api, UPDATE)}
        print(f"{USERS:,} users, 50 answers each; {CONNECTIONS} connections; load {os.getloadavg()[0]:.1f} on "
              f"{os.cpu_count()} cores")  # fmt: skip
        results: dict[str, list[Figures]] = {name: [] for name in contestants}
        for _ in range(rounds):
            for name, (port, path) in contestants.items():
                results[name].append(
                    load(port, path, token, users=USERS, connections=CONNECTIONS, seconds=SECONDS)
                )  # fmt: skip
        for name, found in results.items():
            _tell(name, found)
        for floor in ("floor 1", "floor 2"):
            ratios = [u.per_s / f.per_s for u, f in zip(results["update-theta"], results[floor], strict=True)]
            print(f"update-theta / {floor}: {median(ratios):.0%} (of {min(ratios):.0%} to {max(ratios):.0%})")
        print(f"update-theta:batch of {BATCH:,}: {_batch_per_s(api, token):,.0f} users/s")
        r_url = running.enter_context(process.running(log=home / "r.log"))
        running.enter_context(
            here.server(api_with_r, "seedtest_pipeline", "api", "--port", str(api_with_r), log=home / "api-r.log",
                        R_IRT_BASE_URL=r_url)
        )  # fmt: skip
        _tell("with R", [load(api_with_r, UPDATE, token, users=USERS, connections=4, seconds=SECONDS)])


def _batch_per_s(port: int, token: str) -> float:
    """Users a second, of all, one batch after the other."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
        begun = time.perf_counter()
        for first in range(0, USERS, BATCH):
            asked = {"user_ids": [f"user-{n}" for n in range(first, first + BATCH)]}
            answer = client.post(f"{UPDATE}:batch", json=asked, headers={"Authorization": f"Bearer {token}"})
            assert {one["status"] for one in answer.raise_for_status().json()["outcomes"]} == {"ok"}
    return USERS / (time.perf_counter() - begun)


def _tell(name: str, found: list[Figures]) -> None:
    per_s, p50, p95, p99 = (median(getattr(f, what) for f in found) for what in ("per_s", "p50_ms", "p95_ms", "p99_ms"))
    errors = sum(f.errors for f in found)
    print(f"{name:>12}: {per_s:7,.0f}/s   p50 {p50:6.1f}   p95 {p95:6.1f}   p99 {p99:6.1f} ms   {errors} errors")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
