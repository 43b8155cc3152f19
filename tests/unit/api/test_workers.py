"""The processes of `seedtest api --workers N`, with something light in place of the API."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.living import lives
from tests.waiting import PATIENCE_S, until

CHECKOUT = Path(__file__).parents[3]
_WORKERS = """
import os, signal, socket, sys, time
from seedtest_pipeline.api import workers

def serve(listening, folder):
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == folder
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("serving", os.getpid(), flush=True)
    if "fails" in sys.argv:
        sys.exit(1)
    time.sleep(600)

if __name__ == "__main__":
    workers.WELL_AFTER_S, workers.PAUSE_S = 600, 0
    with socket.create_server(("127.0.0.1", 0)) as listening:
        workers.Workers(2, serve, listening).run()
"""


def command(folder: Path, *arguments: str) -> dict[str, Any]:
    script = folder / "two_workers.py"
    script.write_text(_WORKERS)
    return {"args": [sys.executable, script, *arguments], "env": {**os.environ, "PYTHONPATH": str(CHECKOUT)}}


@contextmanager
def two_workers(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    with subprocess.Popen(**command(folder), stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, [next_worker(process) for _ in range(2)]
        finally:
            process.kill()


def next_worker(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline().removeprefix("serving "))


def test_each_that_is_killed_is_replaced_and_all_end_by_one_signal(tmp_path):
    """A second one that was killed soon after the first ended all."""
    with two_workers(tmp_path) as (process, (first, second)):
        os.kill(first, signal.SIGKILL)
        third = next_worker(process)
        os.kill(third, signal.SIGKILL)
        fourth = next_worker(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        assert not any(map(lives, (first, second, third, fourth)))


def test_they_end_with_the_process_that_started_them_even_if_that_is_killed(tmp_path):
    with two_workers(tmp_path) as (process, workers):
        process.kill()
        until(lambda: not any(map(lives, workers)))


def test_where_one_ends_as_it_starts_all_end_and_it_is_said(tmp_path):
    said = subprocess.run(**command(tmp_path, "fails"), capture_output=True, text=True, timeout=PATIENCE_S)
    assert said.returncode == 1
    assert "A worker ended as it started" in said.stderr
