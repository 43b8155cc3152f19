"""How long work says how far it is; what listens is a terminal's progress bar, or the log."""

import logging
import time
from typing import Protocol

_LOG = logging.getLogger("seedtest")
_QUIET_S = 5.0


class Progress(Protocol):
    """Told often; `done` of `total` rows, users or cycles of `task` are behind us."""

    def __call__(self, task: str, done: int, total: int) -> None: ...


class LogProgress:
    """A log line every few seconds, and one at the end."""

    def __init__(self) -> None:
        self._spoke_at = time.monotonic()

    def __call__(self, task: str, done: int, total: int) -> None:
        now = time.monotonic()
        if done >= total or now - self._spoke_at >= _QUIET_S:
            self._spoke_at = now
            _LOG.info("%s: %s of %s", task, f"{done:,}", f"{total:,}")


class Steps:
    """Progress of a task that is told in steps."""

    def __init__(self, progress: Progress, task: str, total: int) -> None:
        self._progress = progress
        self._task = task
        self._total = total
        self._done = 0

    def __call__(self, n: int) -> None:
        """`n` more are behind us."""
        self._done += n
        self._progress(self._task, self._done, self._total)
