"""The outermost layer, around every request: its context, its line in the log, its metrics and its answer's headers.

A log line says who asked for what, about whom, and what became of it: the route's template, never the path, and of
people their ids alone.
"""

import logging
import time

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seedtest_pipeline.api import problems
from seedtest_pipeline.api.metrics import Metrics
from seedtest_pipeline.api.middleware import request_context, security_headers
from seedtest_pipeline.api.tracing import Tracing, ended

VERSION = "/v1"
"""Begins each path. Callers of before there was a version leave it out."""
WITHOUT_VERSION = ("/livez", "/readyz", "/metrics")
"""But these: proxies keep them from the world under the one name that they have."""
_log = logging.getLogger(__name__)


class ObservationMiddleware:
    """ASGI around `app`. A route is matched on the path as it was sent: in a decoded one, the slash in a user's id
    would begin one more segment."""

    def __init__(self, app: ASGIApp, metrics: Metrics, tracing: Tracing, root_path: str | None = None) -> None:
        self._app = app
        self._metrics = metrics
        self._tracing = tracing
        self._root_path = root_path or ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        context = request_context.begin(scope)
        # The server leaves the body out, since its own scope says HEAD.
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        inner = {**scope, "path": self._routed(scope["raw_path"].decode("ascii")), "method": method}
        status: int | None = None

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                security_headers.add_to(message)
                message["headers"].append((b"x-request-id", context.request_id.encode()))
            await send(message)

        self._metrics.under_way.inc()
        with self._tracing.request(inner) as span:
            try:
                await self._app(inner, receive, send_on)
            except ClientDisconnect:
                context.refused = context.refused or "the caller left before its request was whole"
            except Exception:  # noqa: BLE001 - the edge
                _log.exception("failed", extra={"request_id": context.request_id})
                if status is None:
                    await problems.answer(problems.INTERNAL, context.request_id)(scope, receive, send_on)
            finally:
                self._metrics.under_way.dec()
                self._close(inner, scope["method"], context, status, time.perf_counter() - begun)
                if span is not None:
                    ended(span, method, getattr(inner.get("route"), "path", None), status, context.request_id)

    def _routed(self, path: str) -> str:
        """The path as the routes have it: a gateway may leave its own prefix before it, or take it away, and a caller
        may leave out the version, and escape the colon in `update-theta:batch`, as generated clients do."""
        path = _without(self._root_path, path.replace("%3A", ":").replace("%3a", ":"))
        routed = _without(VERSION, path)
        return path if routed in WITHOUT_VERSION else routed

    def _close(
        self, routed: Scope, method: str, context: request_context.RequestContext, status: int | None, seconds: float
    ) -> None:
        route = getattr(routed.get("route"), "path", None)
        self._metrics.requests.labels(method, route, status).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        line = {
            "request_id": context.request_id, "method": method, "route": route, "status": status,
            "ms": round(1000 * seconds, 2), "caller": context.caller.subject if context.caller else None,
            **context.about,
        }  # fmt: skip
        _log.info("request", extra=line if context.refused is None else {**line, "reason": context.refused})


def _without(prefix: str, path: str) -> str:
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path
