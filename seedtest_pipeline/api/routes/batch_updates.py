"""POST /analysis/irt/update-theta:batch: many sessions have ended at once, as after an exam."""

from dataclasses import replace

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from assets.abilities.many_updates import update_many
from assets.abilities.on_demand import Update
from seedtest_pipeline.api.auth.authorization import AllowedBatch
from seedtest_pipeline.api.middleware import request_context
from seedtest_pipeline.api.problems import described
from seedtest_pipeline.api.routes.updates import outcome
from seedtest_pipeline.api.schemas import Outcomes, UpdateFailed
from seedtest_pipeline.api.service import Service


def build(service: Service, authenticated: type[APIRoute]) -> APIRouter:
    router = APIRouter(route_class=authenticated, tags=["updates"])

    @router.post(
        "/analysis/irt/update-theta:batch",
        operation_id="updateThetas",
        response_model=Outcomes,
        responses=described(400, 401, 403, 408, 413, 415, 422, 429, 500, 503),
    )
    async def update_thetas(asked: AllowedBatch, request: Request) -> Response:
        """As `update-theta` of each of these users, as of one instant: a read, an estimate and a store for all
        together. Each has an outcome of its own, in the order asked for; an update that fails fails alone.

        With `analysis:run`."""
        rules = service.rules
        if asked.lookback_days is not None:
            rules = replace(rules, lookback_days=asked.lookback_days)
        updates = await service.batches.do(
            update_many, service.updater, asked.user_ids, rules, request_context.of(request).request_id
        )
        made = [update for update in updates if isinstance(update, Update)]
        request_context.of(request).about |= {
            "users": len(updates), "failed": len(updates) - len(made),
            "stored": sum(update.reason is None and not update.later for update in made),
        }  # fmt: skip
        service.metrics.failed.inc(len(updates) - len(made))
        outcomes = Outcomes(
            outcomes=[
                outcome(service, update, rules.lookback_days)
                if isinstance(update, Update)
                else UpdateFailed(user_id=update.user_id, retry=update.retry)
                for update in updates
            ]
        )
        return Response(outcomes.model_dump_json(), media_type="application/json")

    return router
