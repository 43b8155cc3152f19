"""`seedtest api --workers N`: processes that take connections from one listener, and one that starts and ends them.

Each has its own loop, threads, pool, places and rates. Their metrics are one: each writes into files of a folder, which
whoever is asked adds up.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from prometheus_client.multiprocess import mark_process_dead

from resources.errors import OperatorRequired

_log = logging.getLogger(__name__)

# prometheus_client reads it as it is imported, so it has to stand in a worker's environment before that.
_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# Of the first ones: what ends of itself sooner after its start would only end again.
WELL_AFTER_S = 5.0
PAUSE_S = 1.0  # before another one begins in its place
_LOOK_EVERY_S = 0.1

Serve = Callable[[socket.socket, str], None]
"""Serves one process from this listener, with the metrics in this folder."""


class Workers:
    """`serve` in so many processes. One that ends is replaced, however often."""

    def __init__(self, n: int, serve: Serve, listening: socket.socket) -> None:
        self._n, self._serve, self._listening = n, serve, listening
        self._started_at: dict[SpawnProcess, float] = {}
        self._replaced = False
        self._leaving = self._failed = False
        # It closes with this process, however that ends.
        self._other_end, self._this_end = multiprocessing.get_context("spawn").Pipe(duplex=False)

    def run(self) -> None:
        """Until SIGTERM or Ctrl-C, which each process gets.

        Raises:
            OperatorRequired: one ended as it started, so all were ended.
        """
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, self._leave)
        with tempfile.TemporaryDirectory(prefix="seedtest-api-metrics-") as folder:
            os.environ[_METRICS_FOLDER] = folder
            for _ in range(self._n):
                self._start(folder)
            while self._started_at:
                time.sleep(_LOOK_EVERY_S)
                for process in [process for process in self._started_at if not process.is_alive()]:
                    self._ended(process, folder)
                if self._leaving:
                    self._listening.close()  # so that nobody is taken in once the last worker's is closed
        if self._failed:
            raise OperatorRequired("A worker ended as it started", remedy="look above, or try without --workers.")

    def _start(self, folder: str) -> None:
        process = multiprocessing.get_context("spawn").Process(
            target=_work, args=(self._serve, self._listening, folder, self._other_end), name="api worker"
        )
        process.start()
        self._started_at[process] = time.monotonic()
        if self._leaving:  # the signal came while it was started
            process.terminate()

    def _ended(self, process: SpawnProcess, folder: str) -> None:
        ran_s = time.monotonic() - self._started_at.pop(process)
        mark_process_dead(process.pid, folder)  # type: ignore[no-untyped-call]  # it has no types
        if self._leaving:
            return
        killed = process.exitcode is not None and process.exitcode < 0
        if ran_s < WELL_AFTER_S and not killed and not self._replaced:
            self._failed = True
            self._leave()
            return
        _log.error("a worker ended, and another one begins", extra={"status": process.exitcode})
        self._replaced = True
        time.sleep(PAUSE_S)
        self._start(folder)

    def _leave(self, *_: object) -> None:
        self._leaving = True
        for process in self._started_at:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()


def _work(serve: Serve, listening: socket.socket, folder: str, parent: Connection) -> None:
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):  # which it has obeyed already
        serve(listening, folder)


def _end_with(parent: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        parent.recv()
    os.kill(os.getpid(), signal.SIGTERM)
