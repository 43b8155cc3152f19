"""Who may use a route is declared in its signature: of every route of the app, and no other can be declared."""

from collections.abc import Iterator

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.routing import BaseRoute

from seedtest_pipeline.api.app import create
from seedtest_pipeline.api.auth import authorization
from seedtest_pipeline.api.auth.authenticators import LocalDevAuthenticator
from seedtest_pipeline.api.auth.authorization import AllowedUpdate, ReadableUser
from seedtest_pipeline.api.metrics import Metrics
from seedtest_pipeline.api.middleware.places import Places
from seedtest_pipeline.api.middleware.rate_limits import RateLimits
from seedtest_pipeline.api.routes.authenticated_route import authenticated_route
from seedtest_pipeline.api.schemas import PathId, UpdateTheta
from seedtest_pipeline.api.service import make_service
from seedtest_pipeline.settings import Settings

WITHOUT_A_TOKEN = {"/openapi.json", "/livez", "/readyz", "/metrics"}


def all_routes(routes: list[BaseRoute]) -> Iterator[BaseRoute]:
    for route in routes:
        if included := getattr(route, "original_router", None):  # FastAPI keeps included routers as they are
            yield from all_routes(included.routes)
        else:
            yield route


def test_every_route_but_the_probes_says_who_may_use_it(tmp_path):
    settings = Settings.load(seedtest_home=tmp_path, database_url="postgresql://a:b@127.0.0.1:1/c", local_dev=True)
    service = make_service(settings, Metrics())
    app = create(service, LocalDevAuthenticator())
    service.close()
    routes = {route.path: route for route in all_routes(app.routes)}
    assert routes.keys() == {path.removeprefix("/v1") for path in app.openapi()["paths"]} | {"/openapi.json"}
    for path in routes.keys() - WITHOUT_A_TOKEN:
        assert authorization.is_declared(routes[path].dependant), path
        assert type(routes[path]).__name__ == "AuthenticatedRoute", path


def router() -> APIRouter:
    route: type[APIRoute] = authenticated_route(LocalDevAuthenticator(), RateLimits(1, 1), Places(1), body_timeout_s=1)
    return APIRouter(route_class=route)


def undeclared_read(user_id: PathId, request: Request) -> str:
    return user_id


def undeclared_update(asked: UpdateTheta) -> str:
    return asked.user_id


def declared_read(user_id: ReadableUser) -> str:
    return user_id


def declared_update(asked: AllowedUpdate) -> str:
    return asked.user_id


@pytest.mark.parametrize("handler", [undeclared_read, undeclared_update, lambda: "nothing"])
def test_a_route_that_does_not_say_who_may_use_it_cannot_be_declared(handler):
    with pytest.raises(TypeError, match=r"^The route /users/\{user_id\} does not say who may use it"):
        router().get("/users/{user_id}")(handler)


@pytest.mark.parametrize("handler", [declared_read, declared_update])
def test_a_route_that_says_so_can(handler):
    assert router().post("/users/{user_id}")(handler) is handler
