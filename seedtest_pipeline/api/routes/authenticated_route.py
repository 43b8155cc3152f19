"""The class of all routes but the probes: a request is authenticated before anything else of it is read, takes a place
once it is whole, and a route that does not say who may use it cannot be declared."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from seedtest_pipeline.api import problems
from seedtest_pipeline.api.auth import authorization
from seedtest_pipeline.api.auth.caller import Authenticator, Caller, Unauthenticated
from seedtest_pipeline.api.middleware import request_context
from seedtest_pipeline.api.middleware.places import Places
from seedtest_pipeline.api.middleware.rate_limits import RateLimits
from seedtest_pipeline.api.routes.revalidation import DESCRIBED, ETAG, revalidated


def authenticated_route(
    authenticator: Authenticator, rate_limits: RateLimits, places: Places, *, body_timeout_s: float
) -> type[APIRoute]:
    """The route class for this authenticator."""

    async def authenticate(request: Request) -> Caller:
        tokens = request.headers.getlist("authorization")
        try:
            return await authenticator.authenticate(", ".join(tokens) if tokens else None)
        except Unauthenticated as refused:
            if refused.reason is not None:
                request_context.of(request).refused = refused.reason
                await rate_limits.count_refused(request.client.host if request.client else "")
            raise

    async def read_body(request: Request) -> None:
        try:
            async with asyncio.timeout(body_timeout_s):
                await request.body()  # which keeps it
        except TimeoutError:
            raise HTTPException(problems.TOO_SLOW.status, headers={"Connection": "close"}) from None

    class AuthenticatedRoute(APIRoute):
        def __init__(self, path: str, endpoint: Callable[..., Any], **kwargs: Any) -> None:
            """Raises:
            TypeError: no parameter of `endpoint` is one of `auth.authorization`.
            """
            if "GET" in kwargs["methods"]:
                kwargs["responses"] = _read_again(kwargs["responses"])
            super().__init__(path, endpoint, **kwargs)
            if not authorization.is_declared(self.dependant):
                raise TypeError(f"The route {path} does not say who may use it: give it a type of auth.authorization.")

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def authenticate_and_handle(request: Request) -> Response:
                caller = await authenticate(request)
                request_context.of(request).caller = caller
                await rate_limits.count(caller)
                if self.body_field is not None:
                    await read_body(request)
                with places.taken_by(caller):
                    return revalidated(request, await handle(request))

            return authenticate_and_handle

    return AuthenticatedRoute


def _read_again(responses: dict[int | str, dict[str, Any]]) -> dict[int | str, dict[str, Any]]:
    """The answers of a route that reads, with what `revalidated` makes of them."""
    return responses | {200: {**responses.get(200, {}), "headers": ETAG}, 304: DESCRIBED}
