"""What readiness makes of its checks, on a clock of the test's own: who asks often makes no work, and nothing flaps."""

import asyncio
import threading
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from resources.errors import EstimatorUnavailable
from seedtest_pipeline.api import readiness
from seedtest_pipeline.api.readiness import ReadinessChecks


@dataclass
class Estimator:
    ok: bool = True
    checked: int = 0

    def check(self) -> None:
        self.checked += 1
        if not self.ok:
            raise EstimatorUnavailable("It is down.")


class Clock(SimpleNamespace):
    at = 100.0

    def monotonic(self) -> float:
        return self.at

    perf_counter = monotonic


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(readiness, "time", clock)
    monkeypatch.setattr(readiness, "require_writable", lambda _: None)
    monkeypatch.setattr(readiness, "_migrations", lambda _: None)
    return clock


def checks_of(estimator: Estimator) -> ReadinessChecks:
    return ReadinessChecks(SimpleNamespace(engine=None, estimator=estimator), SimpleNamespace(check=lambda: None))


def test_many_who_ask_within_a_second_make_the_work_of_one(clock):
    estimator = Estimator()

    async def ask() -> list[int]:
        checks, checked = checks_of(estimator), []
        for seconds in (0, 0.9, 1.01, 1.9):
            clock.at = 100 + seconds
            await asyncio.gather(*(checks.result() for _ in range(10)))
            checked.append(estimator.checked)
        return checked

    assert asyncio.run(ask()) == [1, 1, 2, 2]


def test_what_was_there_is_ready_until_it_has_failed_for_five_seconds_and_each_time_anew(clock):
    """One slow answer took all processes out of service at once."""
    estimator = Estimator()

    async def ask() -> list[tuple[bool, bool]]:
        checks, found = checks_of(estimator), []
        for seconds, ok in ((0, True), (2, False), (6.9, False), (8, True), (10, False), (14.9, False), (16, False),
                            (18, True)):  # fmt: skip
            clock.at, estimator.ok = 100 + seconds, ok
            result = await checks.result()
            found.append((result.ready, result.checks["estimator"].ok))
        return found

    assert asyncio.run(ask()) == [
        (True, True), (True, False), (True, False), (True, True), (True, False), (True, False), (False, False),
        (True, True),
    ]  # fmt: skip


def test_what_was_never_there_is_not_ready_at_once(clock):
    assert not asyncio.run(checks_of(Estimator(ok=False)).result()).ready


def test_two_who_wait_for_one_check_both_have_its_end():
    """The second found it taken away, and `/metrics` answered 500."""
    begun, go_on, n = threading.Event(), threading.Event(), []

    def check() -> None:
        n.append(1)
        begun.set()
        assert go_on.wait(10)

    async def twice() -> list[None]:
        of_its_own = readiness.OwnThread("test", check)
        both = [asyncio.create_task(of_its_own.run()) for _ in range(2)]
        await asyncio.to_thread(begun.wait, 10)
        go_on.set()
        return await asyncio.gather(*both)

    assert asyncio.run(twice()) == [None, None]
    assert n == [1]


def test_what_ends_when_nobody_waits_any_longer_is_nobodys_answer():
    """The next who asked was told of a failure of minutes ago."""
    go_on, outcomes = threading.Event(), [TimeoutError("It hung."), None]

    def check() -> None:
        assert go_on.wait(10)
        if outcome := outcomes.pop(0):
            raise outcome

    async def ask() -> None:
        of_its_own = readiness.OwnThread("test", check)
        with pytest.raises(TimeoutError):
            await of_its_own.run(0.01)
        go_on.set()
        while len(outcomes) > 1 or of_its_own._running is not None:
            await asyncio.sleep(0.001)
        await of_its_own.run()

    asyncio.run(asyncio.wait_for(ask(), 10))
