"""Whether all that the API needs is there: database, migrations, estimator, keys. Stays out: the route (`probes`)."""

import asyncio
import logging
import time
from collections.abc import Callable

from pydantic import BaseModel

from resources.database.engine import require_writable
from resources.database.schema import revision
from resources.errors import OperatorRequired, SeedtestError
from seedtest_pipeline.api.auth.caller import Authenticator
from seedtest_pipeline.api.service import Service

_log = logging.getLogger(__name__)

_TIMEOUT_S = 3.0
# Anybody may ask, so asking must not make work: one result serves everybody for so long.
_GOOD_FOR_S = 1.0


class Check(BaseModel):
    ok: bool
    ms: float


class Readiness(BaseModel):
    """What this needs to do its work. Why something fails stands in the log."""

    ready: bool
    checks: dict[str, Check]


class ReadinessChecks:
    """Checks all that the service needs, at the same time; who asks while checks are running waits for their result."""

    def __init__(self, service: Service, authenticator: Authenticator) -> None:
        self._checks: dict[str, Callable[[], object]] = {
            "database": lambda: require_writable(service.engine),
            "migrations": lambda: _migrations(service),
            "estimator": service.estimator.check,
            "keys": authenticator.check,
        }
        self._lock = asyncio.Lock()
        self._result: Readiness | None = None
        self._checked_at = 0.0

    async def result(self) -> Readiness:
        async with self._lock:
            if self._result is None or time.monotonic() - self._checked_at > _GOOD_FOR_S:
                checks = await asyncio.gather(*(_run(name, check) for name, check in self._checks.items()))
                by_name = dict(zip(self._checks, checks, strict=True))
                self._result = Readiness(ready=all(check.ok for check in checks), checks=by_name)
                self._checked_at = time.monotonic()
            return self._result


async def _run(name: str, check: Callable[[], object]) -> Check:
    begun = time.perf_counter()
    try:
        # In threads of their own: those of the requests may all be waiting for just what is broken.
        await asyncio.wait_for(asyncio.to_thread(check), _TIMEOUT_S)
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
