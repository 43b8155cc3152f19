"""Updates that arrive together are made together, as a database commits a group: while some are on their way, others
gather, and the next read, estimate and upsert take all of them. One that comes alone goes at once.

A read of a few users costs hardly more than of one. Two groups at once would be half as large each, which costs more
than the database's time is worth (docs/decisions/0048). Stays out: what takes long (`long_work`).
"""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial

from assets.abilities.many_updates import LOCK_TIMEOUT_MS
from assets.abilities.on_demand import MOST_BYTES, LongHistory, Update, Updater
from assets.abilities.scoring import ScoringRules
from resources.errors import RetryLater, RowsHeld, StatementStopped
from seedtest_pipeline.api.metrics import Metrics

MOST_TOGETHER = 64
# Each waits for rows that others hold: in threads of their own, since reads wait for nobody's rows.
_ALONE_AT_ONCE = 4
# What is away for longer is asked once: to ask again for each would take the time that their callers have left.
_QUICK_S = 1.0


@dataclass(frozen=True)
class Made:
    """What became of one update, and the id of the request under which its group was read, estimated and stored."""

    update: Update
    request_id: str


@dataclass(frozen=True, eq=False)
class _Asked:
    user_id: str
    rules: ScoringRules
    request_id: str
    made: asyncio.Future[Made]
    context: Context  # whose trace its steps stand in: of a group, its first request's


class GroupedUpdates:
    """Lives in one event loop."""

    def __init__(self, updater: Updater, metrics: Metrics) -> None:
        self._updater = updater
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(1, "group of updates")
        self._alone = ThreadPoolExecutor(_ALONE_AT_ONCE, "update alone")
        self._under_way = self._gathering = False
        self._waiting: list[_Asked] = []
        self._one_by_one: list[list[_Asked]] = []  # of a group of which some row was held: who asked about one user
        self._most = MOST_TOGETHER  # or fewer, where learners have so many answers that fewer are read at once
        self._tasks: set[asyncio.Task[None]] = set()

    async def update(self, user_id: str, rules: ScoringRules, request_id: str) -> Made:
        """The user's update, read after this was asked for.

        Raises:
            RetryLater: as `Updater.update_all`.
            LongHistory: the user has sessions of more than MOST_BYTES; nothing else was done.
        """
        asked = _Asked(user_id, rules, request_id, asyncio.get_running_loop().create_future(), copy_context())
        self._waiting.append(asked)
        self._begin()
        return await asked.made

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._alone.shutdown(wait=True, cancel_futures=True)

    def _begin(self) -> None:
        if not self._under_way and not self._gathering and (self._waiting or self._one_by_one):
            self._gathering = True
            asyncio.get_running_loop().call_soon(self._gather, 0)

    def _gather(self, seen: int) -> None:
        """Begin with the next group once a turn of the loop brought nobody: answers that went out together bring the
        next requests together, and a thread at work would slow down what reads them."""
        if seen < len(self._waiting) < self._most:
            asyncio.get_running_loop().call_soon(self._gather, len(self._waiting))
            return
        self._gathering = False
        if group := self._next():
            self._under_way = True
            self._spawn(self._make(group))

    def _next(self) -> list[_Asked]:
        """Those who wait and whose callers do too, and who ask by the same rules as the first of them."""
        while self._one_by_one:
            if group := [asked for asked in self._one_by_one.pop(0) if not asked.made.done()]:
                return group
        waiting = [asked for asked in self._waiting if not asked.made.done()]
        group = [asked for asked in waiting if asked.rules == waiting[0].rules][: self._most]
        taken = {*map(id, group)}
        self._waiting = [asked for asked in waiting if id(asked) not in taken]
        return group

    async def _make(self, group: Sequence[_Asked]) -> None:
        first = group[0]
        users = list(dict.fromkeys(asked.user_id for asked in group))
        self._metrics.together.observe(len(group))
        begun = time.monotonic()
        make = partial(
            first.context.run, self._updater.update_all, users, first.rules, request_id=first.request_id,
            most_bytes=MOST_BYTES, lock_timeout_ms=LOCK_TIMEOUT_MS,
        )  # fmt: skip
        try:
            updates = await asyncio.get_running_loop().run_in_executor(self._threads, make)
        except asyncio.CancelledError:  # at the end of the process
            for asked in group:
                asked.made.cancel()
            raise
        except LongHistory as error:  # nothing but sizes was read
            if len(users) == 1:
                for asked in group:
                    _fail(asked, error)
            else:
                self._most = len(group) // 2
                self._waiting = [*group, *self._waiting]
        except Exception as error:  # noqa: BLE001 - each caller has it, or its own
            of_users = [[asked for asked in group if asked.user_id == user_id] for user_id in users]
            if isinstance(error, RowsHeld) and len(users) > 1:
                self._one_by_one += of_users
            elif _is_one_users(error, len(users), time.monotonic() - begun):
                for of_user in of_users:
                    self._spawn(self._make_alone(of_user))
            else:
                for asked in group:
                    _fail(asked, error)
        else:
            self._most = min(2 * self._most, MOST_TOGETHER)
            found = {update.user_id: update for update in updates}
            for asked in group:
                if not asked.made.done():
                    asked.made.set_result(Made(found[asked.user_id], first.request_id))
        finally:
            self._under_way = False
            self._begin()

    async def _make_alone(self, of_user: Sequence[_Asked]) -> None:
        """Once more, with all the patience of a request, and in nobody's way."""

        def unless_all_have_left() -> Made | None:  # while this waited for a thread
            asked = next((asked for asked in of_user if not asked.made.done()), None)
            if asked is None:
                return None
            update = asked.context.run(
                self._updater.update, asked.user_id, asked.rules, request_id=asked.request_id, most_bytes=MOST_BYTES
            )
            return Made(update, asked.request_id)

        try:
            made = await asyncio.get_running_loop().run_in_executor(self._alone, unless_all_have_left)
        except Exception as error:  # noqa: BLE001 - the caller's
            for asked in of_user:
                _fail(asked, error)
        else:
            for asked in of_user:
                if made is not None and not asked.made.done():
                    asked.made.set_result(made)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)  # the loop itself keeps none
        task.add_done_callback(self._tasks.discard)


def _is_one_users(error: Exception, n_users: int, took_s: float) -> bool:
    """Whether somebody else's update, or the same with more patience, may go well."""
    if isinstance(error, RowsHeld):
        return True
    if n_users == 1:
        return False
    return isinstance(error, StatementStopped) or not isinstance(error, RetryLater) or took_s < _QUICK_S


def _fail(asked: _Asked, error: Exception) -> None:
    if not asked.made.done():
        asked.made.set_exception(error)
