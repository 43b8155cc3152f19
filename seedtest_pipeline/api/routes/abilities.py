"""GET /users/{user_id}/theta, or /analysis/irt/theta?user_id=…: the current ability and its history."""

import datetime as dt
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.responses import Response

from resources.database.engine import transaction
from resources.database.queries.estimates import current_abilities
from resources.database.queries.items import item_banks
from resources.errors import NoItemBank
from resources.model import Week
from seedtest_pipeline.api.auth.authorization import ReadableOrOwn, ReadableUser
from seedtest_pipeline.api.problems import described
from seedtest_pipeline.api.schemas import CurrentTheta, UserTheta, WeekTheta
from seedtest_pipeline.api.service import Service

# Since when the predecessor's address is kept for former callers only, as RFC 9745 writes it. No end is set: it would
# be told by `Sunset` (RFC 8594).
_DEPRECATION = f"@{dt.datetime(2026, 12, 1, tzinfo=dt.UTC).timestamp():.0f}"


def build(service: Service, authenticated: type[APIRoute]) -> APIRouter:
    router = APIRouter(route_class=authenticated, tags=["users"])

    @router.get("/users/{user_id}/theta", operation_id="getTheta", responses=described(401, 403, 422, 429, 500, 503))
    async def theta(user_id: ReadableUser) -> UserTheta:
        """The current ability under the item bank in force, and one per week. Who was never estimated has neither.

        With `analysis:run` for any user, with `report:read` for the token's own subject."""
        return await service.work(_read, service, user_id)

    @router.get(
        "/analysis/irt/theta",
        operation_id="getThetaByQuery",
        deprecated=True,
        responses=described(401, 403, 422, 429, 500, 503),
    )
    async def theta_by_query(user_id: ReadableOrOwn, response: Response) -> UserTheta:
        """The same under the predecessor's address, with `Deprecation` and a `Link` to the present one.

        With `analysis:run` for any user, with `report:read` for the token's own subject."""
        response.headers["deprecation"] = _DEPRECATION
        # Relative, so that it holds below whatever prefix a gateway has.
        response.headers["link"] = f'<../../users/{quote(user_id, safe="")}/theta>; rel="successor-version"'
        return await service.work(_read, service, user_id)

    return router


def _read(service: Service, user_id: str) -> UserTheta:
    with transaction(service.engine) as connection:
        try:
            current = current_abilities.current(
                connection, user_id, *item_banks.identify_chosen(connection, service.bank_choice)
            )
        except NoItemBank:
            current = None
        history = current_abilities.history(connection, user_id, Week.containing(dt.datetime.now(dt.UTC)))
    return UserTheta(
        user_id=user_id,
        current=CurrentTheta.of(current) if current else None,
        history=[WeekTheta.model_validate(row) for row in history],
    )
