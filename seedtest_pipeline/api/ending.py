"""The end of the server, step by step, and within a known time: `/readyz` fails, the listener closes after a delay,
requests under way are finished, threads end; and if one of these does not come, the process ends all the same."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

import uvicorn

from seedtest_pipeline.settings import Settings

_log = logging.getLogger(__name__)

# For a request's answer to go out, once its own time is over.
_ANSWER_S = 1.0
# For threads and connections: the longest wait, of 10 s, is for a database that does not let in.
_REST_S = 12.0


def under_way_s(settings: Settings) -> float:
    """How long requests under way are waited for."""
    return settings.api_timeout_secs + _ANSWER_S


class EndingServer(uvicorn.Server):
    """uvicorn, which on SIGTERM goes on for API_DRAIN_SECS, as those who send requests hear of it late. Ctrl-C, or a
    second SIGTERM, waits for nobody new."""

    def __init__(self, config: uvicorn.Config, settings: Settings, on_leaving: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_leaving = on_leaving
        self._drain_s = settings.api_drain_secs
        self._whole_s = self._drain_s + under_way_s(settings) + _REST_S
        self._leave_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        first = self._leave_at is None
        if first:
            self._leave_at = time.monotonic() + self._drain_s
            self._on_leaving()
            at_the_latest(self._whole_s)
        if sig == signal.SIGINT:
            super().handle_exit(sig, frame)
        elif not first:
            self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        if self._leave_at is not None and time.monotonic() >= self._leave_at:
            self.should_exit = True
        return await super().on_tick(counter)


def at_the_latest(after_s: float) -> None:
    """Ends the process after so long, if nothing else does."""
    force = threading.Timer(after_s, _by_force)
    force.daemon = True
    force.start()


def _by_force() -> None:
    _log.error("Something does not end: the process does, by force.")
    os._exit(1)
