"""Batches of reports made by every core that this process may use, in their order; few learners' are made here.

Processes, since filling a page is Python's own work. They come from a server process that has imported everything and
has no thread, no connection and no lock (`forkserver`): a fork of this one would copy those of Arrow, of PostgreSQL's
driver and of Dagster in the middle of something. Each gets the templates and the bank once, and a batch at a time, so
that none holds more than a batch.
"""

import multiprocessing as mp
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from assets.publishing.report_maker import Batch, Made, ReportMaker
from resources import calendar
from resources.errors import RetryLater

FEW = 1_000  # learners; of fewer, the reports are made before other processes would have begun
_AHEAD = 2  # batches per process that are cut out and not yet made

_maker: ReportMaker  # of a process that makes batches for another one


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class ReportProcesses:
    """At most `n` processes, begun when there is enough to do, for the length of a `with` block."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._pool: ProcessPoolExecutor | None = None
        self._pool_of: ReportMaker | None = None

    def made(self, maker: ReportMaker, batches: Iterable[Batch], n_learners: int) -> Iterator[Made]:
        """What came of each batch, in order; `batches` is drawn in the calling thread, a few ahead.

        Raises:
            RetryLater: a process was killed; as `ReportMaker.make`.
            StoreRefuses, TemplateBroken: as `ReportMaker.make`.
        """
        if self._n == 1 or n_learners < FEW:
            yield from map(maker.make, batches)
            return
        pool = self._begun(maker)
        ahead: deque[Future[Made]] = deque()
        try:
            for batch in batches:
                ahead.append(pool.submit(_make, batch))
                if len(ahead) > _AHEAD * self._n:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        except BrokenProcessPool as error:
            self._pool = None
            raise RetryLater(
                "A process that made reports was killed, as a machine does that runs out of memory",
                remedy="see how much it has, or allow fewer processes (REPORT_PROCESSES).",
                outcome="What was published before stays; a rerun makes the others.",
            ) from error
        finally:
            for future in ahead:
                future.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def _begun(self, maker: ReportMaker) -> ProcessPoolExecutor:
        """The pool of this maker, whose processes hold its templates and its bank."""
        if self._pool is None or self._pool_of is not maker:
            self.__exit__(None, None, None)
            begun_with = (maker, calendar.zone())
            self._pool, self._pool_of = ProcessPoolExecutor(self._n, _context(maker), _begin, begun_with), maker
        return self._pool


def _context(maker: ReportMaker) -> ForkServerContext:
    """Its server imports once what all of its children need; `__main__`, since each of them would."""
    context = mp.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__, type(maker.store).__module__])
    return context


def _begin(maker: ReportMaker, zone: ZoneInfo) -> None:
    """In a new process."""
    global _maker
    _maker = maker
    calendar.observe(zone)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of Ctrl+C the parent hears, too, and stops what was not begun
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    """A parent that is killed tells nobody, and its children would wait for work for ever."""
    parent = mp.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _make(batch: Batch) -> Made:
    return _maker.make(batch)
