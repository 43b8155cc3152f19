"""Work of seconds, such as a batch or a learner with very many answers: one thing after the other, apart from the
threads that answer everybody else."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from resources.errors import RetryLater

_P = ParamSpec("_P")
_R = TypeVar("_R")


class LongWork:
    """One thread, and `room` for so many requests, of which all but one wait. Lives in one event loop."""

    def __init__(self, room: int = 8) -> None:
        self._thread = ThreadPoolExecutor(1, "long work")
        self._room = room

    async def do(self, work: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """What `work` returns.

        Raises:
            RetryLater: as many wait already as can be done in a request's time.
        """
        if self._room == 0:
            raise RetryLater("Too much is asked for that takes long", remedy="ask for one batch after the other.")
        self._room -= 1
        try:
            run = partial(copy_context().run, work, *args, **kwargs)  # in the request's trace
            return await asyncio.get_running_loop().run_in_executor(self._thread, run)
        finally:
            self._room += 1

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
