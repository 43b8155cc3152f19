"""POST /analysis/irt/update-theta: a session has ended, and the platform wants the ability as of now."""

from dataclasses import replace
from functools import partial

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from assets.abilities.on_demand import LongHistory, Reason, Update
from resources.database.engine import transaction
from resources.database.queries.items import item_banks
from resources.errors import NoItemBank
from seedtest_pipeline.api.auth import scopes
from seedtest_pipeline.api.auth.authorization import AllowedUpdate
from seedtest_pipeline.api.middleware import request_context
from seedtest_pipeline.api.problems import described
from seedtest_pipeline.api.schemas import NothingToEstimate, Updated, UpdateTheta
from seedtest_pipeline.api.service import Service

_MESSAGES: dict[Reason, str] = {
    "no_attempts": "No new item was answered in the last {days} days.",
    "no_item_parameters": "None of the items answered in the last {days} days has parameters.",
}


def build(service: Service, authenticated: type[APIRoute]) -> APIRouter:
    router = APIRouter(route_class=authenticated, tags=["updates"])

    @router.post(
        "/analysis/irt/update-theta",
        operation_id="updateTheta",
        response_model=Updated | NothingToEstimate,
        responses=described(400, 401, 403, 408, 413, 415, 422, 429, 500, 503),
    )
    async def update_theta(asked: AllowedUpdate, request: Request) -> Response:
        """Estimates the ability as of now from all answers in the window, and stores it where no later one is. A repeat
        does no harm.

        With `analysis:run` for any user, with `exam:write` for the token's own subject. Another `lookback_days` than
        the one in force is for services alone: a learner could choose by it what counts."""
        if asked.model or asked.version:
            await service.work(_require_in_force, service, asked)
        rules = service.rules
        if asked.lookback_days not in (None, rules.lookback_days):
            scopes.require_update_of_many(request_context.caller_of(request))
            rules = replace(rules, lookback_days=asked.lookback_days)
        context = request_context.of(request)
        request_id, about = context.request_id, context.about
        try:
            made = await service.grouped_updates.update(asked.user_id, rules, request_id)
            update = made.update
            if made.request_id != request_id:
                about["made_with"] = made.request_id
        except LongHistory:
            make = partial(service.updater.update, asked.user_id, rules, request_id=request_id)
            update = await service.long_histories.once((asked.user_id, rules), make)
        about |= {"outcome": update.reason or ("later" if update.later else "stored"), "as_of": update.as_of}
        answer = outcome(service, update, rules.lookback_days)
        if isinstance(answer, Updated):
            about["version"] = answer.version
        return Response(answer.model_dump_json(), media_type="application/json")

    return router


def outcome(service: Service, update: Update, lookback_days: int) -> Updated | NothingToEstimate:
    """What became of one user, as it is answered; counted."""
    if update.reason is None:
        return Updated.of(update)
    service.metrics.noops.labels(update.reason).inc()
    message = _MESSAGES[update.reason].format(days=lookback_days)
    return NothingToEstimate(user_id=update.user_id, reason=update.reason, message=message)


def _require_in_force(service: Service, asked: UpdateTheta) -> None:
    """Raises:
    RequestValidationError: the body names another item bank or model than those in force.
    """
    try:
        with transaction(service.engine) as connection:
            version, model = item_banks.identify_chosen(connection, service.bank_choice)
    except NoItemBank:
        return  # which is answered as ever: there is nothing to estimate with
    faults = [
        {"type": "not_in_force", "loc": ("body", name), "msg": f"{used} is in force here: leave it out, or name {used}"}
        for name, given, used in (("model", asked.model, model), ("version", asked.version, version))
        if given is not None and given != used
    ]
    if faults:
        raise RequestValidationError(faults)
