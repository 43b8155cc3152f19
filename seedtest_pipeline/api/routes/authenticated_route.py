"""The class of all routes but the probes: a request is authenticated before anything else of it is read, and a route
that does not say who may use it cannot be declared."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from seedtest_pipeline.api.auth import authorization
from seedtest_pipeline.api.auth.caller import Authenticator
from seedtest_pipeline.api.middleware import request_context
from seedtest_pipeline.api.middleware.rate_limits import RateLimits


def authenticated_route(authenticator: Authenticator, rate_limits: RateLimits) -> type[APIRoute]:
    """The route class for this authenticator."""

    class AuthenticatedRoute(APIRoute):
        def __init__(self, path: str, endpoint: Callable[..., Any], **kwargs: Any) -> None:
            """Raises:
            TypeError: no parameter of `endpoint` is one of `auth.authorization`.
            """
            super().__init__(path, endpoint, **kwargs)
            if not authorization.is_declared(self.dependant):
                raise TypeError(f"The route {path} does not say who may use it: give it a type of auth.authorization.")

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def authenticate_and_handle(request: Request) -> Response:
                tokens = request.headers.getlist("authorization")
                caller = await authenticator.authenticate(", ".join(tokens) if tokens else None)
                request_context.of(request).caller = caller
                await rate_limits.count(caller)
                return await handle(request)

            return authenticate_and_handle

    return AuthenticatedRoute
