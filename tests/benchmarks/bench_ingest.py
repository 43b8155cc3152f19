"""What `seedtest ingest` costs: seconds, processor time of the command and of PostgreSQL, the command's peak memory.

    python -m tests.benchmarks.bench_ingest [--learners 100000] [--kind csv]

Each learner gives 60 answers in six sessions; the rows stand in the order of time, so a learner's lie far apart. The
second line is the same file once more, which changes nothing.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from resources.postgres import embedded

_ANSWERS = 60
_SESSIONS = 6


def answers(learners: int) -> pa.Table:
    """In the order of time; every learner has one session a week, of ten answers within a few minutes."""
    draw = np.random.default_rng(1)
    user = np.repeat(np.arange(learners), _ANSWERS)
    session = np.tile(np.arange(_ANSWERS) // (_ANSWERS // _SESSIONS), learners)
    begins = draw.integers(0, 7 * 86_400, learners * _SESSIONS).repeat(_ANSWERS // _SESSIONS)
    place = np.tile(np.arange(_ANSWERS // _SESSIONS), learners * _SESSIONS)
    seconds = 1_736_121_600 + session * 7 * 86_400 + begins + place * 30  # from 2025-01-06
    order = np.argsort(seconds, kind="stable")
    users = pa.array([f"u{number:06d}" for number in range(learners)]).take(user[order])
    items = pa.array([f"item-{number:04d}" for number in range(500)])
    topics = pa.array(["Algebra", "Fractions", "Functions", "Geometry", "Probability", "Statistics"])
    item = draw.integers(0, 500, len(order))
    sessions = pa.array([f"u{number // 6:06d}-{number % 6}" for number in range(learners * _SESSIONS)])
    return pa.table({
        "user_id": users,
        "session_id": sessions.take((user * _SESSIONS + session)[order]),
        "item_id": items.take(item),
        "correct": pa.array(draw.integers(0, 2, len(order))),
        "answered_at": pa.array(seconds[order] * 1_000_000, pa.timestamp("us", "UTC")),
        "response_time_ms": pa.array(draw.integers(500, 60_000, len(order))),
        "topic": topics.take(item % 6),
    })  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--learners", type=int, default=100_000)
    options.add_argument("--kind", choices=("csv", "parquet"), default="csv")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"answers.{given.kind}"
        _write(given.learners, file)
        home = Path(folder) / "home"
        environment = os.environ | {"SEEDTEST_HOME": str(home), "USER_PARTITIONS": "64"}
        embedded.connect_url(home)  # the server stays as long as this process
        for arguments in (["migrate"], ["ingest", str(file)], ["ingest", str(file)]):
            _measure(arguments, environment, home)


def _write(learners: int, file: Path) -> None:
    """In a process of its own: peak memory is counted over all children that have ended."""
    if os.fork() == 0:
        table = answers(learners)
        if file.suffix == ".csv":
            pyarrow.csv.write_csv(table, file)
        else:
            pq.write_table(table, file)
        os._exit(0)
    os.wait()


def _measure(arguments: list[str], environment: dict[str, str], home: Path) -> None:
    begun, served = time.monotonic(), _served(home)
    command = subprocess.Popen(
        [sys.executable, "-m", "seedtest_pipeline", *arguments], env=environment, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(command.pid, 0)
    seconds = time.monotonic() - begun
    if status:
        raise SystemExit(f"{arguments} failed.")
    print(
        f"{arguments[0]:8} {seconds:6.1f} s, command {used.ru_utime + used.ru_stime:6.1f} CPU s and "
        f"{used.ru_maxrss / 1024:5,.0f} MB at most, PostgreSQL {_served(home) - served:6.1f} CPU s"
    )


def _served(home: Path) -> float:
    """Processor time of the server and of its children that have ended."""
    postmaster = (home / "postgres" / "data" / "postmaster.pid").read_text().split()[0]
    ticks = Path(f"/proc/{postmaster}/stat").read_text().rpartition(")")[2].split()[11:15]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
