"""How much a request may take: bytes, and time. Stays out: a place among those at work (`places`)."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seedtest_pipeline.api import problems
from seedtest_pipeline.api.middleware import request_context

# The largest body that means anything is a batch of 1,000 users: with ids of 128 characters, each escaped as \uXXXX.
BODY_LIMIT = 800 * 1024


class LimitsMiddleware:
    """ASGI around `app`: each request for at most `timeout_s`, and of BODY_LIMIT bytes."""

    def __init__(self, app: ASGIApp, *, timeout_s: float) -> None:
        self._app = app
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_on(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(self._timeout_s):
                await self._app(scope, _limited(receive), send_on)
        except TimeoutError:
            context = request_context.in_scope(scope)
            if begun:  # half an answer cannot be taken back; the server closes the connection
                context.refused = "the caller did not read its answer in time"
                raise ClientDisconnect from None
            await problems.answer(problems.TIMED_OUT, context.request_id)(scope, receive, send)


def _limited(receive: Receive) -> Receive:
    """What comes in, counted as it comes: a chunked body tells no length beforehand."""
    size = 0

    async def receive_on() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > BODY_LIMIT:
            raise HTTPException(problems.TOO_LARGE.status, headers={"Connection": "close"})
        return message

    return receive_on
