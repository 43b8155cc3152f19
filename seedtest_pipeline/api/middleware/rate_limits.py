"""How often one caller may ask: requests a minute, counted in this process."""

import math
import time
from typing import Any

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from starlette.requests import Request
from starlette.responses import Response

from seedtest_pipeline.api import problems
from seedtest_pipeline.api.auth import scopes
from seedtest_pipeline.api.auth.caller import Caller
from seedtest_pipeline.api.middleware import request_context


class RateLimited(Exception):  # noqa: N818 - an answer, not a fault
    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Again in {retry_after_s} s.")
        self.retry_after_s = retry_after_s


class RateLimits:
    """Services have one limit, users another."""

    def __init__(self, service_per_minute: int, user_per_minute: int) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._service: RateLimitItem = RateLimitItemPerMinute(service_per_minute)
        self._user: RateLimitItem = RateLimitItemPerMinute(user_per_minute)

    async def count_refused(self, address: str) -> None:
        """A token that was not believed, and from where it came. Good ones from there are believed as ever: a gateway's
        callers have one address.

        Raises:
            RateLimited: as many came from there as a user may send requests.
        """
        await self._hit(self._user, f"refused {address}")

    async def count(self, caller: Caller) -> None:
        """Raises:
        RateLimited: the caller has sent all requests that this minute allows.
        """
        limit = self._service if scopes.is_service(caller) else self._user
        await self._hit(limit, caller.subject)

    async def _hit(self, limit: RateLimitItem, who: str) -> None:
        if not await self._limiter.hit(limit, who):
            reset_at = (await self._limiter.get_window_stats(limit, who)).reset_time
            raise RateLimited(max(1, math.ceil(reset_at - time.time())))


async def rate_limited(request: Request, error: Any) -> Response:
    """The answer to RateLimited: 429 with Retry-After."""
    headers = {"Retry-After": str(error.retry_after_s)}
    return problems.answer(problems.TOO_MANY, request_context.of(request).request_id, headers)
