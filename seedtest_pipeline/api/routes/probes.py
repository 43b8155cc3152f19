"""GET /livez, /readyz and /metrics: for whoever runs this, without a token. Not for the outside."""

import asyncio
import logging
import time
from collections.abc import Callable

import prometheus_client
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from resources.database.engine import statements
from resources.database.schema import migrate
from resources.errors import OperatorRequired, SeedtestError
from seedtest_pipeline.api.auth.caller import Authenticator
from seedtest_pipeline.api.service import Service

_log = logging.getLogger(__name__)

_CHECK_S = 3.0
# Anybody may ask, so asking must not make work: one look serves everybody for so long.
_GOOD_FOR_S = 1.0


class Check(BaseModel):
    ok: bool
    ms: float


class Readiness(BaseModel):
    """What this needs to do its work. Why something fails stands in the log."""

    ready: bool
    checks: dict[str, Check]


class Alive(BaseModel):
    alive: bool = True


class ReadinessChecks:
    """Looks at all that the service needs, at the same time; who asks while a look is under way waits for that one."""

    def __init__(self, service: Service, gate: Authenticator) -> None:
        self._looks: dict[str, Callable[[], object]] = {
            "database": lambda: _database(service),
            "migrations": lambda: _migrations(service),
            "estimator": service.estimator.check,
            "keys": gate.check,
        }
        self._lock = asyncio.Lock()
        self._seen: Readiness | None = None
        self._seen_at = 0.0

    async def look(self) -> Readiness:
        async with self._lock:
            if self._seen is None or time.monotonic() - self._seen_at > _GOOD_FOR_S:
                checks = await asyncio.gather(*(_check(name, look) for name, look in self._looks.items()))
                found = dict(zip(self._looks, checks, strict=True))
                self._seen = Readiness(ready=all(check.ok for check in checks), checks=found)
                self._seen_at = time.monotonic()
            return self._seen


def build(service: Service, gate: Authenticator) -> APIRouter:
    router = APIRouter(tags=["probes"])
    lookout = ReadinessChecks(service, gate)

    @router.get("/livez")
    async def livez() -> Alive:
        """The process answers."""
        return Alive()

    @router.get("/readyz", responses={503: {"model": Readiness, "description": "Something fails."}})
    async def readyz(response: Response) -> Readiness:
        """Whether all that this needs is there: database, migrations, estimator, keys."""
        found = await lookout.look()
        response.status_code = 200 if found.ready else 503
        return found

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """For Prometheus."""
        content = prometheus_client.generate_latest(service.metrics.registry)
        return Response(content, media_type=prometheus_client.CONTENT_TYPE_PLAIN_0_0_4)

    return router


async def _check(name: str, look: Callable[[], object]) -> Check:
    begun = time.perf_counter()
    try:
        # In threads of their own: those of the requests may all be waiting for just what is broken.
        await asyncio.wait_for(asyncio.to_thread(look), _CHECK_S)
        ok = True
    except (SeedtestError, TimeoutError) as error:
        _log.warning("not ready", extra={"check": name, "reason": str(error) or f"no answer in {_CHECK_S:g} s"})
        ok = False
    return Check(ok=ok, ms=round(1000 * (time.perf_counter() - begun), 1))


def _database(service: Service) -> None:
    with statements(service.engine) as connection:
        connection.exec_driver_sql("SELECT 1")


def _migrations(service: Service) -> None:
    state = migrate.state(service.engine)
    if not state.up_to_date:
        raise OperatorRequired(f"The schema is {state.current}, and this needs {state.head}: run seedtest migrate.")
