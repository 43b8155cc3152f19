"""What a platform of N learners costs, from a file of answers to reports: each step through the product.

    make bench-pipeline N="1000 10000"

N learners give 60 answers in 4 weeks, one session of 15 a week, to 500 items, in 64 user keys. The first three weeks
are made up to their abilities; the fourth is made asset by asset, then once more with nothing to do, and looked at by
the sensor that derives what is due. At last the same Monday as the schedule asks for it: its own runs, two at a time.
Each step is a process of its own.

CPU seconds of Python are those of the process with all that it started; of PostgreSQL, its server's with all its
processes. "in asset" is the wall time of the asset itself: what is more is Python's start and Dagster's share. "peak"
is of the step's own process; those that make its reports are in `make bench-reports`. Needs Linux.
"""

import argparse
import contextlib
import ctypes
import json
import multiprocessing as mp
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from resources.database.engine import make_engine
from resources.model import Week
from resources.postgres import embedded

FIRST = Week.parse("2025-01-06")
WEEKS = 4
LAST = FIRST.plus(WEEKS - 1)
ITEMS, PER_WEEK, KEYS = 500, 15, 64
AT_ONCE = 2  # runs; RUNS_AT_ONCE by default
_TICKS = os.sysconf("SC_CLK_TCK")
_MINUTE_MS = 60_000
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_steps: set[int] = set()  # processes begun by this one


@dataclass(frozen=True)
class Cost:
    wall_s: float
    python_s: float
    postgres_s: float
    peak_mb: float
    in_asset_s: float | None = None


@dataclass(frozen=True)
class Platform:
    """A home with a database of its own, for so many learners."""

    home: Path
    n: int

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ, "SEEDTEST_HOME": str(self.home), "USER_PARTITIONS": str(KEYS), "FIRST_WEEK": str(FIRST),
            "PYTHONPATH": str(Path.cwd()), "OPENBLAS_NUM_THREADS": "1",
        }  # fmt: skip

    def command(self, *arguments: str) -> Cost:
        return self._measured([sys.executable, "-m", "seedtest_pipeline", *arguments])

    def step(self, *arguments: str) -> Cost:
        return self._measured([sys.executable, "-m", "tests.benchmarks.pipeline_step", *arguments])

    def monday(self) -> Cost:
        """The runs that the schedule asks for, two at a time."""
        asked = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.pipeline_step", "schedule", str(LAST)],
            env=self.environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        chunks: list[str] = json.loads(asked.stdout)
        begun, before, python_before = time.perf_counter(), _postgres_s(self.home), _python_s()
        with ThreadPoolExecutor(AT_ONCE) as two:
            costs = list(two.map(lambda keys: self.step("run", str(LAST), str(LAST), "weekly", keys), chunks))
        return Cost(
            time.perf_counter() - begun, _python_s() - python_before, _postgres_s(self.home) - before,
            max(cost.peak_mb for cost in costs),
        )  # fmt: skip

    def _measured(self, command: Sequence[str]) -> Cost:
        begun, before, python_before = time.perf_counter(), _postgres_s(self.home), _python_s()
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            process = subprocess.Popen(command, env=self.environment, stdout=out, stderr=err)
            _steps.add(process.pid)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            said = out.read()
            if process.returncode != 0:
                raise RuntimeError(f"{' '.join(command)}\n{said}\n{err.read()}")
        seconds = json.loads(said) if "pipeline_step" in command[2] else None
        return Cost(
            time.perf_counter() - begun, _python_s() - python_before, _postgres_s(self.home) - before,
            used.ru_maxrss / 1024, seconds,
        )  # fmt: skip


def _adopt_orphans() -> None:
    """What a step leaves behind becomes a child of this process: the server of processes that made its reports ends a
    moment after it, and with it the account of their CPU."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _python_s() -> float:
    """CPU seconds of all children that have ended so far, and of theirs."""
    time.sleep(0.3)  # those of a step that has just ended
    for pid in _children(os.getpid()):
        if pid not in _steps:  # those are waited for by who began them
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _postgres_s(home: Path) -> float:
    """CPU seconds of the home's server so far: of its first process, those that have ended, and those that live."""
    pid_file = home / "postgres" / "data" / "postmaster.pid"
    if not pid_file.exists():
        return 0.0
    server = int(pid_file.read_text().split()[0])
    return _cpu_s(server, ended=True) + sum(map(_cpu_s, _children(server)))


def _children(pid: int) -> list[int]:
    """Of all its threads."""
    found = [thread.read_text() for thread in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for children in found for child in children.split()]


def _cpu_s(pid: int, *, ended: bool = False) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[11 : 15 if ended else 13])) / _TICKS


def answers_file(path: Path, n: int) -> None:
    """Two-parameter answers of learners who gain a tenth of a logit a week, in the columns of a file of responses."""
    rng = np.random.default_rng(n)
    a, b = rng.lognormal(0.0, 0.3, ITEMS), rng.normal(0.0, 1.0, ITEMS)
    writer: pq.ParquetWriter | None = None
    for first in range(0, n, 10_000):
        size = min(10_000, n - first)
        item = np.argsort(rng.random((size, ITEMS)), axis=1)[:, : WEEKS * PER_WEEK]
        week = np.repeat(np.arange(WEEKS), PER_WEEK)
        theta = rng.normal(size=(size, 1)) + 0.1 * week
        right = rng.random(item.shape) < 1 / (1 + np.exp(-a[item] * (theta - b[item])))
        learner = np.repeat(np.arange(first, first + size), item.shape[1])
        start = np.repeat(rng.integers(0, 6 * 24 * 60, (size, WEEKS)), PER_WEEK, axis=1)
        minute = start + np.tile(np.arange(PER_WEEK), WEEKS)
        at = int(FIRST.begins_at.timestamp() * 1000) + week * 7 * 24 * 60 * _MINUTE_MS + minute * _MINUTE_MS
        table = pa.table({
            "user_id": [f"learner-{i:07d}" for i in learner],
            "item_id": [f"item-{i:03d}" for i in item.ravel()],
            "correct": pa.array(right.ravel()),
            "answered_at": pa.array(at.ravel(), pa.timestamp("ms", "UTC")),
            "session_id": [f"{i}-{w}" for i, w in zip(learner.tolist(), np.tile(week, size).tolist(), strict=True)],
            "exam_id": ["exam"] * learner.size,
            "topic": [f"topic {i % 6}" for i in item.ravel().tolist()],
            "response_time_ms": pa.array(rng.integers(5_000, 60_000, learner.size)),
        })  # fmt: skip
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def costs(platform: Platform, file: Path, *, reports: bool) -> Iterator[tuple[str, Cost]]:
    """Each step's name and cost, in their order."""
    last, before = str(LAST), str(LAST.plus(-1))
    yield "ingest", platform.command("ingest", str(file))
    yield "calibrate", platform.command("calibrate")
    yield "3 weeks before: answers", platform.step("run", str(FIRST), before, "responses")
    yield "3 weeks before: abilities", platform.step("run", str(FIRST), before, "theta_estimates")
    yield "the week: answers", platform.step("run", last, last, "responses")
    yield "the week: abilities", platform.step("run", last, last, "theta_estimates")
    yield "what is due, nothing", platform.step("due")
    if not reports:
        return
    yield "the week: reports", platform.step("run", last, last, "weekly_reports")
    yield "reports, nothing to do", platform.step("run", last, last, "weekly_reports")
    platform.step("forget", last)
    yield "the same week as on a Monday", platform.monday()


def show(name: str, cost: Cost, n: int) -> None:
    within = f"{cost.in_asset_s:10.1f}" if cost.in_asset_s else f"{'':10}"
    each = 1_000 * (cost.python_s + cost.postgres_s) / n
    print(
        f"{name:30}{cost.wall_s:8.1f}{within}{cost.python_s:8.1f}{cost.postgres_s:12.1f}{each:10.2f}{cost.peak_mb:9.0f}",
        flush=True,
    )


def sizes(home: Path) -> dict[str, float]:
    """MB of what a platform leaves: the database, and in it Dagster's history; frozen answers; reports."""
    engine = make_engine(embedded.connect_url(home))
    with engine.connect() as connection:
        total = connection.scalar(sa.text("SELECT pg_database_size(current_database())")) or 0
        history = connection.scalar(sa.text(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace "
            "WHERE s.nspname = 'dagster' AND c.relkind = 'r'"
        )) or 0  # fmt: skip
    engine.dispose()
    found = {"database": float(total), "of it Dagster's history": float(history)}
    for folder in ("warehouse", "artifacts"):
        found[folder] = sum(file.stat().st_size for file in (home / folder).rglob("*") if file.is_file())
    return {name: size / 1e6 for name, size in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("learners", nargs="*", type=int, default=[1_000, 10_000])
    parser.add_argument("--no-reports", action="store_true", help="only what comes before them")
    given = parser.parse_args()
    _adopt_orphans()
    for n in given.learners:
        with tempfile.TemporaryDirectory(prefix="seedtest-bench-") as folder:
            platform = Platform(Path(folder) / "home", n)
            embedded.connect_url(platform.home)  # as long as this process lives, the server does
            file = Path(folder) / "answers.parquet"
            with ProcessPoolExecutor(
                1, mp.get_context("spawn")
            ) as alone:  # its memory would count as that of each step
                alone.submit(answers_file, file, n).result()
            print(f"\n{n:,} learners, {n * WEEKS * PER_WEEK:,} answers; load {os.getloadavg()[0]:.1f}")
            print(
                f"{'':30}{'wall s':>8}{'in asset':>10}{'Python':>8}{'PostgreSQL':>12}{'ms each':>10}{'peak MB':>9}",
                flush=True,
            )
            for name, cost in costs(platform, file, reports=not given.no_reports):
                show(name, cost, n)
            print("MB: " + ", ".join(f"{name} {mb:,.0f}" for name, mb in sizes(platform.home).items()))


if __name__ == "__main__":
    main()
