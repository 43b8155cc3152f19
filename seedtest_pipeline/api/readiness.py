"""Whether all that the API needs is there: database, migrations, estimator, keys. Stays out: the route (`probes`)."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from pydantic import BaseModel, Field

from resources.database.engine import require_writable
from resources.database.schema import revision
from resources.errors import OperatorRequired, SeedtestError
from seedtest_pipeline.api.auth.caller import Authenticator
from seedtest_pipeline.api.service import Service

_log = logging.getLogger(__name__)

_TIMEOUT_S = 3.0
# Anybody may ask, so asking must not make work: one result serves everybody for so long.
_GOOD_FOR_S = 1.0
# What was there is taken to be there until it has failed for so long: a failover of some seconds, or one slow answer,
# must not take all processes out of service at once. Requests have their own 503.
_TOLERATED_S = 5.0


class Check(BaseModel):
    ok: bool
    ms: float


class Readiness(BaseModel):
    """What this needs to do its work. Why something fails stands in the log."""

    ready: bool = Field(description=f"False once something has failed for {_TOLERATED_S:g} s, or was never there.")
    leaving: bool = Field(default=False, description="This process is about to end.")
    checks: dict[str, Check] = Field(description="As they are now.")


class ReadinessChecks:
    """Checks all that the service needs, at the same time; who asks while checks are running waits for their result."""

    def __init__(self, service: Service, authenticator: Authenticator) -> None:
        self._checks = {
            "database": OwnThread("database", lambda: require_writable(service.engine)),
            "migrations": OwnThread("migrations", lambda: _migrations(service)),
            "estimator": OwnThread("estimator", service.estimator.check),
            "keys": OwnThread("keys", authenticator.check),
        }
        self._lock = asyncio.Lock()
        self._result: Readiness | None = None
        self._checked_at = -math.inf
        self._failing_since = dict.fromkeys(self._checks, -math.inf)  # none was ever there

    async def result(self) -> Readiness:
        async with self._lock:
            if self._result is None or time.monotonic() - self._checked_at > _GOOD_FOR_S:
                checks = await asyncio.gather(*(_run(name, check) for name, check in self._checks.items()))
                by_name = dict(zip(self._checks, checks, strict=True))
                self._checked_at = time.monotonic()
                failing = {name: self._failing_since.get(name, self._checked_at)
                           for name, check in by_name.items() if not check.ok}  # fmt: skip
                self._failing_since = failing
                ready = all(self._checked_at - since < _TOLERATED_S for since in failing.values())
                self._result = Readiness(ready=ready, checks=by_name)
            return self._result


class OwnThread:
    """A check in a thread of its own: those of the requests, or of another check, may all wait for just what is broken.
    While it goes on, it is not begun once more; what ends when nobody waits any longer is nobody's answer."""

    def __init__(self, name: str, check: Callable[[], object]) -> None:
        self._check = check
        self._thread = ThreadPoolExecutor(1, f"check {name}")
        self._running: asyncio.Future[object] | None = None

    async def run(self, timeout_s: float = _TIMEOUT_S) -> None:
        """Raises:
        TimeoutError: it goes on for longer.
        """
        if self._running is None:
            self._running = asyncio.get_running_loop().run_in_executor(self._thread, self._check)
        running = self._running
        done, _ = await asyncio.wait({running}, timeout=timeout_s)
        if not done:
            running.add_done_callback(self._forget)
            raise TimeoutError
        self._forget(running)
        running.result()

    def _forget(self, running: asyncio.Future[object]) -> None:
        if not running.cancelled():
            running.exception()  # where nobody waits any longer, it is nobody's
        if self._running is running:  # else another one has begun since
            self._running = None


async def _run(name: str, check: OwnThread) -> Check:
    begun = time.perf_counter()
    try:
        await check.run()
        ok = True
    except (SeedtestError, TimeoutError) as error:
        _log.warning("not ready", extra={"check": name, "reason": str(error) or f"no answer in {_TIMEOUT_S:g} s"})
        ok = False
    return Check(ok=ok, ms=round(1000 * (time.perf_counter() - begun), 1))


def _migrations(service: Service) -> None:
    state = revision.state(service.engine)
    if not state.up_to_date:
        raise OperatorRequired(
            f"The schema is {state.current}, and this needs {state.head}", remedy="run seedtest migrate."
        )
