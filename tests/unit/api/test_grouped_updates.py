"""Updates that arrive together are made together, and nobody has another one's failure."""

import asyncio
import datetime as dt
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from assets.abilities.on_demand import LongHistory, Update
from assets.abilities.scoring import ScoringRules
from resources.errors import EstimatorUnavailable, RowsHeld, StatementStopped
from seedtest_pipeline.api import grouped_updates
from seedtest_pipeline.api.grouped_updates import GroupedUpdates, Made
from seedtest_pipeline.api.metrics import Metrics

RULES, AT = ScoringRules(), dt.datetime(2025, 3, 1, tzinfo=dt.UTC)


class Updater:
    """Stands for the real one, which no test can hold in the middle of a group: `go_on` lets all go on, `begun` counts.
    Whoever is in `errors` makes a group fail; `alone`, likewise, an update with all patience."""

    def __init__(self, errors: dict[str, Exception] | None = None, alone: dict[str, Exception] | None = None) -> None:
        self.errors, self.alone = errors or {}, alone or {}
        self.groups: list[list[str]] = []
        self.done_alone: list[str] = []
        self.begun, self.go_on = threading.Semaphore(0), threading.Event()

    def update_all(self, user_ids: list[str], *_: Any, **how: Any) -> list[Update]:
        assert how["lock_timeout_ms"], "a group waits for no one's rows"
        self.groups.append(user_ids)
        self.begun.release()
        assert self.go_on.wait(10)
        for user_id in user_ids:
            if user_id in self.errors:
                raise self.errors[user_id]
        return [Update(user_id, AT) for user_id in user_ids]

    def update(self, user_id: str, *_: Any, **how: Any) -> Update:
        assert "lock_timeout_ms" not in how
        self.done_alone.append(user_id)
        if user_id in self.alone:
            raise self.alone[user_id]
        return Update(user_id, AT)


Ask = Callable[..., "asyncio.Task[Made]"]


def run(updater: Updater, scenario: Callable[[Ask, Callable[[], Awaitable[Any]]], Awaitable[Any]]) -> Any:
    """`scenario` asks for updates, and can wait until a group is under way."""

    async def inside() -> Any:
        updates = GroupedUpdates(updater, Metrics())  # type: ignore[arg-type]

        def ask(user_id: str, rules: ScoringRules = RULES) -> "asyncio.Task[Made]":
            return asyncio.create_task(updates.update(user_id, rules, f"request-{user_id}"))

        async def one_begins() -> None:
            assert await asyncio.to_thread(updater.begun.acquire, timeout=10)

        try:
            return await scenario(ask, one_begins)
        finally:
            updater.go_on.set()
            updates.close()

    return asyncio.run(inside())


async def busy(ask: Ask, one_begins: Callable[[], Awaitable[Any]]) -> "asyncio.Task[Made]":
    """A group of one under way: an update that comes alone goes at once."""
    first = ask("first")
    await one_begins()
    return first


async def outcomes(asked: list["asyncio.Task[Made]"]) -> list[Any]:
    found = await asyncio.gather(*asked, return_exceptions=True)
    return [one.update.user_id if isinstance(one, Made) else type(one) for one in found]


def test_what_arrives_while_others_are_on_their_way_is_made_together_the_same_user_once(monkeypatch):
    monkeypatch.setattr(grouped_updates, "MOST_TOGETHER", 4)
    updater, other = Updater(), ScoringRules(lookback_days=7)

    async def scenario(ask, one_begins):
        first = await busy(ask, one_begins)
        asked = [ask(user) for user in ("a", "b", "a", "c", "d")]
        asked.append(ask("a", other))
        await asyncio.sleep(0)
        updater.go_on.set()
        assert await outcomes([first, *asked]) == ["first", "a", "b", "a", "c", "d", "a"]
        return {await one for one in asked}

    made = run(updater, scenario)
    assert updater.groups[1:] == [["a", "b", "c"], ["d"], ["a"]]
    assert {one.request_id for one in made} == {"request-a", "request-d"}, "the log tells under which id it was made"


def test_a_group_waits_while_each_turn_of_the_loop_brings_one_more():
    updater = Updater()
    updater.go_on.set()

    async def scenario(ask, one_begins):
        asked = []
        for user in ("a", "b", "c"):
            asked.append(ask(user))
            await asyncio.sleep(0)
        await asyncio.gather(*asked)

    run(updater, scenario)
    assert updater.groups == [["a", "b", "c"]]


@pytest.mark.parametrize("error", [FloatingPointError(), StatementStopped("It took too long."), RowsHeld("Held.")])
def test_where_one_makes_a_group_fail_each_is_made_alone_and_only_that_one_fails(error):
    updater = Updater({"bad": error}, {"bad": error})

    async def scenario(ask, one_begins):
        await busy(ask, one_begins)
        asked = [ask(user) for user in ("a", "bad", "b")]
        await asyncio.sleep(0)
        updater.go_on.set()
        return await outcomes(asked)

    assert run(updater, scenario) == ["a", type(error), "b"]
    assert sorted(updater.done_alone) == (["bad"] if isinstance(error, RowsHeld) else ["a", "b", "bad"])


def test_who_have_too_many_answers_together_are_made_in_smaller_groups():
    """One with a very long history had all that came with it made one by one."""
    updater = Updater()
    make = updater.update_all

    def limited(user_ids, *given, **how):
        if "long" in user_ids or len(user_ids) > 2:
            updater.groups.append(user_ids)
            raise LongHistory
        return make(user_ids, *given, **how)

    updater.update_all = limited

    async def scenario(ask, one_begins):
        await busy(ask, one_begins)
        asked = [ask(user) for user in ("a", "long", "b", "c", "d")]
        await asyncio.sleep(0)
        updater.go_on.set()
        return await outcomes(asked)

    assert run(updater, scenario) == ["a", LongHistory, "b", "c", "d"]
    tried = ["a long b c d", "a long", "a", "long b", "long", "b", "c d"]
    assert [" ".join(group) for group in updater.groups[1:]] == tried
    assert updater.done_alone == []


def test_one_whose_rows_another_holds_waits_for_them_in_nobodys_way():
    updater = Updater({"a": RowsHeld("Held."), "b": FloatingPointError()})
    updater.go_on.set()
    assert run(updater, lambda ask, _: outcomes([ask("a")])) == ["a"]
    assert updater.done_alone == ["a"]
    assert run(updater, lambda ask, _: outcomes([ask("b")])) == [FloatingPointError]
    assert updater.done_alone == ["a"], "what fails alone is not tried twice"


def test_an_estimator_that_did_not_answer_for_long_is_not_asked_again_for_each(monkeypatch):
    monkeypatch.setattr(grouped_updates, "_QUICK_S", 0)
    updater = Updater({"a": EstimatorUnavailable("It is down.")})

    async def scenario(ask, one_begins):
        await busy(ask, one_begins)
        asked = [ask(user) for user in ("a", "b")]
        await asyncio.sleep(0)
        updater.go_on.set()
        return await outcomes(asked)

    assert run(updater, scenario) == [EstimatorUnavailable] * 2
    assert updater.done_alone == []


def test_whose_caller_has_left_is_not_made_and_one_that_leaves_in_the_middle_harms_nobody():
    updater = Updater()

    async def scenario(ask, one_begins):
        first = await busy(ask, one_begins)
        asked = [ask(user) for user in ("a", "b")]
        await asyncio.sleep(0)
        for task in (asked[0], first):
            task.cancel()
        updater.go_on.set()
        return await outcomes([first, *asked])

    assert run(updater, scenario) == [asyncio.CancelledError, asyncio.CancelledError, "b"]
    assert updater.groups[1:] == [["b"]]


def test_who_left_while_they_waited_for_a_thread_are_not_made_alone():
    """After one slow statement threads worked for up to 64 callers who were gone, and reads waited behind them."""
    users = [f"u{n}" for n in range(30)]
    updater = Updater({"u0": StatementStopped("It took too long.")})
    working, go_on = threading.Semaphore(0), threading.Event()
    make = updater.update

    def slow(user_id, *given, **how):
        working.release()
        assert go_on.wait(10)
        return make(user_id, *given, **how)

    updater.update = slow

    async def scenario(ask, one_begins):
        await busy(ask, one_begins)
        asked = [ask(user) for user in users]
        await asyncio.sleep(0)
        updater.go_on.set()
        for _ in range(4):  # as many threads as there are
            assert await asyncio.to_thread(working.acquire, timeout=10)
        for task in asked:
            task.cancel()
        await asyncio.sleep(0)
        go_on.set()
        return await outcomes(asked)

    run(updater, scenario)
    assert len(updater.done_alone) == 4
