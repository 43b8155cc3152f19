"""The app: layers, routes and the OpenAPI document, put together from a service and an authenticator."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from seedtest_pipeline.api import problems
from seedtest_pipeline.api.auth.caller import Authenticator
from seedtest_pipeline.api.middleware.limits import LimitsMiddleware
from seedtest_pipeline.api.middleware.observation import VERSION, WITHOUT_VERSION, ObservationMiddleware
from seedtest_pipeline.api.middleware.places import NoPlace, Places, no_place
from seedtest_pipeline.api.middleware.rate_limits import RateLimited, RateLimits, rate_limited
from seedtest_pipeline.api.routes import abilities, batch_updates, classes, probes, report_index, reports, updates
from seedtest_pipeline.api.routes.authenticated_route import authenticated_route
from seedtest_pipeline.api.service import Service

_DESCRIPTION = "Abilities of an exam platform's learners, on demand. Errors are RFC 9457 problems of stable types."

# Without tokens, a web page whose host name leads to this machine (DNS rebinding) must not pass for somebody on it.
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

_LOOK_EVERY_S = 0.25


def create(service: Service, authenticator: Authenticator) -> FastAPI:
    """The app; it closes the service and the authenticator when the server ends."""

    @asynccontextmanager
    async def open_and_closed(_: FastAPI) -> AsyncIterator[None]:
        await authenticator.start()
        watch = asyncio.create_task(_cut_overdue(service))
        try:
            yield
        finally:
            watch.cancel()
            await authenticator.aclose()
            service.close()

    settings = service.settings
    app = FastAPI(
        title="seedtest-pipeline",
        description=_DESCRIPTION,
        version="1",
        lifespan=open_and_closed,
        docs_url=None,  # those pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},  # see `tracing`
        middleware=[
            Middleware(
                ObservationMiddleware,
                metrics=service.metrics,
                tracing=service.tracing,
                root_path=settings.api_root_path,
            ),
            *([Middleware(TrustedHostMiddleware, _LOOPBACK, www_redirect=False)] if settings.local_dev else []),
            Middleware(LimitsMiddleware, timeout_s=settings.api_timeout_secs),
        ],
    )
    app.state.leaving = False  # whoever serves it says when: `/readyz` fails from then on
    problems.install(app)
    app.add_exception_handler(RateLimited, rate_limited)
    app.add_exception_handler(NoPlace, no_place)
    authenticated = authenticated_route(
        authenticator, RateLimits(settings.api_rate_per_minute, settings.api_user_rate_per_minute),
        Places(settings.api_concurrency), body_timeout_s=settings.api_timeout_secs / 2,
    )  # fmt: skip
    for part in (updates, batch_updates, abilities, report_index, reports, classes):
        app.include_router(part.build(service, authenticated))
    app.include_router(probes.build(service, authenticator))
    document = _document(app, settings.api_root_path)
    app.openapi = lambda: document  # type: ignore[method-assign]  # FastAPI's documented way
    return app


async def _cut_overdue(service: Service) -> None:
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        service.cut_overdue()


def _document(app: FastAPI, root_path: str | None) -> dict[str, Any]:
    """FastAPI's own, with the token that the authenticated routes ask for and the schema of problems."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes,
        servers=[{"url": root_path}] if root_path else None,
    )  # fmt: skip
    parts = document["components"]
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    problem = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    parts["schemas"] |= problem.pop("$defs") | {"Problem": problem}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            # In the path's order, whatever the order of a handler's dependencies: generated clients have it, too.
            operation.get("parameters", []).sort(key=lambda given: _place(given, path))
            if "probes" not in operation["tags"]:
                operation["security"] = [{"token": []}]
    document["paths"] = {_versioned(path): methods for path, methods in document["paths"].items()}
    return document


def _versioned(path: str) -> str:
    return path if path in WITHOUT_VERSION else VERSION + path


def _place(parameter: dict[str, Any], path: str) -> tuple[bool, int]:
    return parameter["in"] != "path", path.find(f"{{{parameter['name']}}}")
