"""GET /livez, /readyz and /metrics: for whoever runs this, without a token. Not for the outside."""

import prometheus_client
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from seedtest_pipeline.api.auth.caller import Authenticator
from seedtest_pipeline.api.readiness import Readiness, ReadinessChecks
from seedtest_pipeline.api.service import Service
from seedtest_pipeline.api.weekly_run import WeeklyRun


class Alive(BaseModel):
    alive: bool = True


def build(service: Service, authenticator: Authenticator) -> APIRouter:
    router = APIRouter(tags=["probes"])
    checks = ReadinessChecks(service, authenticator)
    weekly_run = WeeklyRun(service)

    @router.get("/livez", operation_id="getLiveness")
    async def livez() -> Alive:
        """The process answers. It looks at nothing else: to start it again would mend nothing else."""
        return Alive()

    @router.get(
        "/readyz",
        operation_id="getReadiness",
        responses={503: {"model": Readiness, "description": "Something fails."}},
    )
    async def readyz(request: Request, response: Response) -> Readiness:
        """Whether all that this needs is there: database, migrations, estimator, keys; not where it is about to end."""
        result = await checks.result()
        if request.app.state.leaving:
            result = result.model_copy(update={"ready": False, "leaving": True})
        response.status_code = 200 if result.ready else 503
        return result

    @router.get(
        "/metrics",
        operation_id="getMetrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
    )
    async def metrics() -> Response:
        """For Prometheus."""
        await weekly_run.refresh()
        return Response(service.metrics.exposition(), media_type=prometheus_client.CONTENT_TYPE_PLAIN_0_0_4)

    return router
