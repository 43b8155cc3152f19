"""Long work waits for long work alone, and not without end."""

import asyncio
import threading

import pytest

from resources.errors import RetryLater
from seedtest_pipeline.api.long_work import LongWork


def test_one_thing_is_done_after_the_other_and_who_finds_no_room_is_told_at_once():
    at_work = threading.Event()
    go_on = threading.Event()

    def work(n: int) -> tuple[int, str]:
        at_work.set()
        go_on.wait(10)
        return n, threading.current_thread().name

    async def ask() -> list[tuple[int, str]]:
        long_work = LongWork(room=2)
        first, second = (asyncio.create_task(long_work.do(work, n)) for n in range(2))
        await asyncio.to_thread(at_work.wait, 10)
        with pytest.raises(RetryLater):
            await long_work.do(work, 2)
        go_on.set()
        done = list(await asyncio.gather(first, second))
        done.append(await long_work.do(work, 3))  # there is room again
        long_work.close()
        return done

    done = asyncio.run(ask())
    assert [n for n, _ in done] == [0, 1, 3]
    assert len({thread for _, thread in done}) == 1
