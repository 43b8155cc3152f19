"""Work of seconds, such as a batch or a learner with very many answers: one thing after the other, apart from the
threads that answer everybody else."""

import asyncio
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar

from resources.errors import RetryLater

_P = ParamSpec("_P")
_R = TypeVar("_R")


class NoRoom(RetryLater):
    """As many wait already as can be done in a request's time."""


@dataclass(frozen=True)
class _Asked:
    done: asyncio.Task[Any]
    begun: threading.Event


class LongWork:
    """One thread for `kind`, and `room` for so many requests, of which all but one wait. Lives in one event loop."""

    def __init__(self, kind: str, room: int = 8) -> None:
        self._thread = ThreadPoolExecutor(1, kind)
        self._kind = kind
        self._room = room
        self._asked: dict[Hashable, _Asked] = {}

    async def do(self, work: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """What `work` returns.

        Raises:
            NoRoom: nothing was done.
        """
        if self._room == 0:
            raise NoRoom(f"Too much waits here: {self._kind}", remedy="ask for one thing after the other.")
        self._room -= 1
        try:
            run = partial(copy_context().run, work, *args, **kwargs)  # in the request's trace
            return await asyncio.get_running_loop().run_in_executor(self._thread, run)
        finally:
            self._room += 1

    async def once(self, key: Hashable, work: Callable[[], _R]) -> _R:
        """As `do`; done once for all who ask by the same `key` before it begins.

        Raises:
            NoRoom: as `do`.
        """
        asked = self._asked.get(key)
        if asked is None or asked.begun.is_set():
            begun = threading.Event()

            def begin() -> _R:
                begun.set()
                return work()

            asked = _Asked(asyncio.create_task(self.do(begin)), begun)
            self._asked[key] = asked
            asked.done.add_done_callback(partial(self._forget, key))
        return await asyncio.shield(asked.done)

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _forget(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        if not task.cancelled():
            task.exception()  # which is each caller's, unless all have left
        if (asked := self._asked.get(key)) and asked.done is task:  # else another one was asked for since
            del self._asked[key]
