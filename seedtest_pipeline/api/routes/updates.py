"""POST /analysis/irt/update-theta: a session has ended, and the platform wants the ability as of now."""

from dataclasses import replace

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request

from assets.abilities.on_demand import Reason
from seedtest_pipeline.api.auth.authorization import AllowedUpdate
from seedtest_pipeline.api.middleware import request_context
from seedtest_pipeline.api.problems import described
from seedtest_pipeline.api.schemas import NothingToEstimate, Updated
from seedtest_pipeline.api.service import Service

_MESSAGES: dict[Reason, str] = {
    "no_attempts": "No new item was answered in the last {days} days.",
    "no_item_parameters": "None of the items answered in the last {days} days has parameters.",
}


def build(service: Service, authenticated: type[APIRoute]) -> APIRouter:
    router = APIRouter(route_class=authenticated, tags=["updates"])

    @router.post("/analysis/irt/update-theta", responses=described(400, 401, 403, 413, 422, 429, 500, 503))
    async def update_theta(asked: AllowedUpdate, request: Request) -> Updated | NothingToEstimate:
        """Estimates the ability as of now from all answers in the window, and stores it where no later one is. A repeat
        does no harm.

        With `analysis:run` for any user, with `exam:write` for the token's own subject."""
        rules = service.rules
        if asked.lookback_days is not None:
            rules = replace(rules, lookback_days=asked.lookback_days)
        update = await service.work(
            service.updater.update, asked.user_id, rules, request_id=request_context.of(request).request_id
        )
        if update.reason is not None:
            service.metrics.noops.labels(update.reason).inc()
            message = _MESSAGES[update.reason].format(days=rules.lookback_days)
            return NothingToEstimate(user_id=asked.user_id, reason=update.reason, message=message)
        return Updated.of(update)

    return router
