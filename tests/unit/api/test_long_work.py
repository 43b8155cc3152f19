"""Long work waits for long work alone, and not without end."""

import asyncio
import threading

import pytest

from seedtest_pipeline.api.long_work import LongWork, NoRoom


def test_one_thing_is_done_after_the_other_and_who_finds_no_room_is_told_at_once():
    at_work = threading.Event()
    go_on = threading.Event()

    def work(n: int) -> tuple[int, str]:
        at_work.set()
        go_on.wait(10)
        return n, threading.current_thread().name

    async def ask() -> list[tuple[int, str]]:
        long_work = LongWork("work", room=2)
        first, second = (asyncio.create_task(long_work.do(work, n)) for n in range(2))
        await asyncio.to_thread(at_work.wait, 10)
        with pytest.raises(NoRoom):
            await long_work.do(work, 2)
        go_on.set()
        done = list(await asyncio.gather(first, second))
        done.append(await long_work.do(work, 3))  # there is room again
        long_work.close()
        return done

    done = asyncio.run(ask())
    assert [n for n, _ in done] == [0, 1, 3]
    assert len({thread for _, thread in done}) == 1


def test_what_several_ask_for_before_it_begins_is_done_once_and_what_has_begun_is_no_answer_to_who_asks_later():
    """Sixteen callers of one learner with 200,000 answers took all the room there was."""
    at_work, go_on = threading.Semaphore(0), threading.Event()
    done: list[str] = []

    def work(key: str) -> str:
        at_work.release()
        assert go_on.wait(10)
        done.append(key)
        if key == "bad":
            raise ZeroDivisionError
        return key

    async def ask() -> list[object]:
        long_work = LongWork("work", room=4)

        def once(key: str) -> "asyncio.Task[str]":
            return asyncio.create_task(long_work.once(key, lambda: work(key)))

        first = once("a")
        assert await asyncio.to_thread(at_work.acquire, timeout=10)
        asked = [once(key) for key in ("a", "a", "b", "bad", "bad", "b")]
        await asyncio.sleep(0)
        asked[0].cancel()  # whose caller has left
        go_on.set()
        found = await asyncio.gather(first, *asked, return_exceptions=True)
        found.append(await once("a"))
        long_work.close()
        return [one if isinstance(one, str) else type(one) for one in found]

    bad = ZeroDivisionError
    assert asyncio.run(ask()) == ["a", asyncio.CancelledError, "a", "b", bad, bad, "b", "a"]
    assert done == ["a", "a", "b", "bad", "a"]


def test_one_who_finds_no_room_leaves_nothing_behind():
    """The end of the one before it was an error in the log."""
    at_work, go_on = threading.Event(), threading.Event()

    def work() -> None:
        at_work.set()
        assert go_on.wait(10)

    async def ask() -> list[object]:
        errors: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        long_work = LongWork("work", room=1)
        first = asyncio.create_task(long_work.once("a", work))
        await asyncio.to_thread(at_work.wait, 10)
        with pytest.raises(NoRoom):
            await long_work.once("a", work)
        go_on.set()
        await first
        await asyncio.sleep(0)
        long_work.close()
        return errors

    assert asyncio.run(ask()) == []
