"""How much of this process a request may take: room among those under way, bytes, and time."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seedtest_pipeline.api import problems
from seedtest_pipeline.api.middleware import request_context

# The largest body that means anything is a batch of 1,000 users; 120 bytes are three times a UUID in quotes.
BODY_LIMIT = 120 * 1024
# They have limits of their own, and have to answer just when all else is busy.
PROBES = frozenset({"/livez", "/readyz", "/metrics"})


class LimitsMiddleware:
    """ASGI around `app`: at most `at_once` requests under way, each for `timeout_s` and of BODY_LIMIT bytes."""

    def __init__(self, app: ASGIApp, *, at_once: int, timeout_s: float) -> None:
        self._app = app
        self._room = at_once
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
        elif self._room == 0:
            await _refuse(problems.OVERLOADED, scope, receive, send)
        else:
            self._room -= 1
            try:
                await self._in_time(scope, receive, send)
            finally:
                self._room += 1

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def send_on(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(self._timeout_s):
                await self._app(scope, _limited(receive), send_on)
        except TimeoutError:
            if begun:  # half an answer cannot be taken back; the server closes the connection
                raise
            await _refuse(problems.TIMED_OUT, scope, receive, send)


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


async def _refuse(kind: problems.Kind, scope: Scope, receive: Receive, send: Send) -> None:
    await problems.answer(kind, request_context.in_scope(scope).request_id)(scope, receive, send)
