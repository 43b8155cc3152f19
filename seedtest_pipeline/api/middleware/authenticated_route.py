"""Routes that ask who calls before they read anything else of a request, and how often that caller may ask."""

import math
import time
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from starlette.requests import Request
from starlette.responses import Response

from seedtest_pipeline.api import problems
from seedtest_pipeline.api.auth import scopes
from seedtest_pipeline.api.auth.caller import Authenticator, Caller
from seedtest_pipeline.api.middleware import request_context


class TooOften(Exception):  # noqa: N818 - an answer, not a fault
    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Again in {retry_after_s} s.")
        self.retry_after_s = retry_after_s


class Rates:
    """Requests a minute of each caller, counted in this process: services by one measure, users by another."""

    def __init__(self, service_per_minute: int, user_per_minute: int) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._service: RateLimitItem = RateLimitItemPerMinute(service_per_minute)
        self._user: RateLimitItem = RateLimitItemPerMinute(user_per_minute)

    async def count(self, caller: Caller) -> None:
        """Raises:
        TooOften: the caller has had its share of this minute.
        """
        rate = self._service if scopes.ANYBODY in caller.scopes else self._user
        if not await self._limiter.hit(rate, caller.subject):
            reset_at = (await self._limiter.get_window_stats(rate, caller.subject)).reset_time
            raise TooOften(max(1, math.ceil(reset_at - time.time())))


def guarded(gate: Authenticator, rates: Rates) -> type[APIRoute]:
    """The class of routes behind this gate: there is no way to declare one that forgets to ask."""

    class AuthenticatedRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def admit_and_handle(request: Request) -> Response:
                tokens = request.headers.getlist("authorization")
                caller = await gate.admit(", ".join(tokens) if tokens else None)
                request_context.of(request).caller = caller
                await rates.count(caller)
                return await handle(request)

            return admit_and_handle

    return AuthenticatedRoute


async def too_often(request: Request, error: Any) -> Response:
    headers = {"Retry-After": str(error.retry_after_s)}
    return problems.answer(problems.TOO_MANY, request_context.of(request).request_id, headers)
