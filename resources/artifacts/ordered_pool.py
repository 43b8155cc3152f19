"""Calls to a store, several at a time: a store that is far away answers each in some 20 to 100 ms.

Stays out: what is called, and what becomes of a call that fails.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

# At 50 ms a call, 16 threads take 300 files a second, more than one process renders; S3 takes ten times as many.
AT_ONCE = 16
# Calls drawn before the oldest has to be settled: threads stay busy behind a slow one, and few files wait in memory.
_AHEAD = 2 * AT_ONCE

_Tag = TypeVar("_Tag")
_Result = TypeVar("_Result")


def settled(result: _Result) -> Future[_Result]:
    """For what is known without a call: a thread's turn costs more than many a look at a file."""
    future: Future[_Result] = Future()
    future.set_result(result)
    return future


class OrderedPool:
    """A few threads for the length of a `with` block; at its end, what was not begun is dropped."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="ordered")

    def in_order(
        self, calls: Iterable[tuple[_Tag, Callable[[], _Result] | Future[_Result]]]
    ) -> Iterator[tuple[_Tag, Future[_Result]]]:
        """Each tag with its call's future, in the order given, to be settled one by one by `result()`.

        A future in place of a call only keeps its place. `calls` is drawn in the calling thread, and no further than a
        few calls ahead of what was settled.
        """
        ahead: deque[tuple[_Tag, Future[_Result]]] = deque()
        for tag, call in calls:
            ahead.append((tag, call if isinstance(call, Future) else self._pool.submit(call)))
            if len(ahead) == _AHEAD:
                yield ahead.popleft()
        yield from ahead

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
