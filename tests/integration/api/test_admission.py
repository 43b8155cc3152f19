"""Hostile callers at the routes themselves: through uvicorn, with people's data behind them."""

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
import sqlalchemy as sa

from resources.database.engine import transaction
from resources.database.queries.estimates import current_abilities
from resources.database.queries.estimates.current_abilities import Ability
from seedtest_pipeline.api.app import create
from seedtest_pipeline.api.auth.authenticators import TokenAuthenticator
from seedtest_pipeline.api.auth.caller import Authenticator
from seedtest_pipeline.api.auth.key_cache import Ages, KeyCache
from seedtest_pipeline.api.auth.key_source import key_source
from seedtest_pipeline.api.auth.tokens import Issuer
from seedtest_pipeline.api.connections import Connections
from seedtest_pipeline.api.metrics import Metrics
from seedtest_pipeline.api.server import configured
from seedtest_pipeline.api.service import Service, make_service
from seedtest_pipeline.settings import Settings
from tests.integration.api.forging import by, by_secret, public_pem, sealed, twice, with_header, with_payload
from tests.integration.api.provider import AUDIENCE, ISSUER, MAKE_KEY, Provider, good_claims
from tests.integration.api.serving import listening
from tests.waiting import PATIENCE_S, until

NOW = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)


@dataclass
class Api:
    """The app on a loopback port; `taken` has an entry for each time that it took a connection to the database."""

    client: httpx.Client
    taken: list[float] = field(default_factory=list)

    def ask(self, route: str, token: str | None, user_id: str = "u1") -> httpx.Response:
        method, path = route.split(" ")
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        body = {"user_id": user_id} if method == "POST" else None
        return self.client.request(method, path.format(user_id=user_id), headers=headers, json=body)


UPDATE = "POST /analysis/irt/update-theta"
READS = ("GET /users/{user_id}/theta", "GET /users/{user_id}/reports", "GET /users/{user_id}/reports/2025-01-06")
ROUTES = (UPDATE, *READS)


@contextmanager
def served(service: Service, authenticator: Authenticator) -> Iterator[Api]:
    config = configured(create(service, authenticator), Connections(service.metrics), grace_s=5)
    with listening(config) as url, httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE_S) as client:
        api = Api(client)
        sa.event.listen(service.engine, "checkout", lambda *_: api.taken.append(time.monotonic()))
        yield api


@pytest.fixture(scope="module")
def make_service_here(shared_database_url, tmp_path_factory) -> Callable[[], Service]:
    home = tmp_path_factory.mktemp("api")
    return lambda: make_service(
        Settings.load(seedtest_home=home, database_url=shared_database_url, api_user_rate_per_minute=10_000), Metrics()
    )


@pytest.fixture(scope="module")
def api(provider, make_service_here) -> Iterator[Api]:
    service = make_service_here()
    with transaction(service.engine) as connection:
        for user_id in ("u1", "u2"):
            current_abilities.store(
                connection.connection.driver_connection, [Ability(user_id, 0.0, 0.25, 1, "2PL", "v1", NOW, NOW)]
            )
    with served(service, TokenAuthenticator(Issuer(ISSUER, AUDIENCE), KeyCache(key_source(provider.url)))) as api:
        yield api


def without_id(answer: httpx.Response) -> tuple[int, dict[str, str], dict[str, object]]:
    """Everything that a caller sees but what differs between any two requests."""
    own = {"date", "x-request-id"}
    body = {name: value for name, value in answer.json().items() if name != "request_id"}
    return answer.status_code, {name: value for name, value in answer.headers.items() if name not in own}, body


HOSTILE: dict[str, Callable[[Provider], str]] = {
    "alg none": lambda of: sealed({"alg": "none", "kid": "es"}, good_claims(), lambda _: b"x"),
    "HS256 with the public key": lambda of: sealed(
        {"alg": "HS256", "kid": "rs"}, good_claims(), by_secret(public_pem(of.keys["rs"]))
    ),
    "a stranger's key": lambda of: sealed({"alg": "ES256", "kid": "es"}, good_claims(), by(MAKE_KEY["ES256"]())),
    "unknown key": lambda of: with_header(of, kid="other"),
    "kid a path": lambda of: with_header(of, kid="../../../etc/passwd"),
    "kid SQL": lambda of: with_header(of, kid="' OR 1=1 --"),
    "expired": lambda of: of.token(exp=1),
    "not valid yet": lambda of: of.token(nbf=int(time.time()) + 600),
    "for others": lambda of: of.token(aud=["billing"]),
    "another issuer": lambda of: of.token(iss="https://evil.example"),
    "no subject": lambda of: of.token(sub=None),
    "10 kB": lambda of: of.token(filler="x" * 10_000),
    "NUL in sub": lambda of: of.token(sub="u1\0"),
    "sub twice": lambda of: with_payload(of, twice("sub", "u1", "u2", good_claims())),
    "no token at all": lambda of: "nonsense",
}


@pytest.mark.parametrize("route", ROUTES)
def test_every_hostile_token_gets_one_and_the_same_401_and_costs_no_look_into_the_database(provider, api, route):
    api.taken.clear()
    answers = {name: without_id(api.ask(route, forge(provider))) for name, forge in HOSTILE.items()}
    first = answers.pop("alg none")
    assert first[0] == 401
    assert first[1]["www-authenticate"] == 'Bearer realm="seedtest", error="invalid_token"'
    assert {name: answer for name, answer in answers.items() if answer != first} == {}
    assert api.taken == []


def test_the_log_says_why_and_nothing_of_the_token(provider, api, caplog):
    caplog.set_level(logging.INFO, "seedtest_pipeline")
    token = provider.token(exp=1)
    asked = api.ask(UPDATE, token)

    def lines():
        return [
            record for record in caplog.records if getattr(record, "request_id", "") == asked.headers["x-request-id"]
        ]

    until(lines)  # the caller has the answer before its line is written
    (line,) = lines()
    assert line.reason == "the token is not believed: it is expired"
    assert not any(part in str(vars(line)) for part in token.split("."))


@pytest.mark.parametrize("route", ROUTES)
def test_without_a_token_the_challenge_names_no_error(api, route):
    answer = api.ask(route, None)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="seedtest"')


def test_only_the_probes_and_the_api_s_own_description_answer_without_a_token(api):
    document = api.client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            status = api.client.request(method, path).status_code
            assert (status == 401) == ("security" in operation), path
            assert ("security" in operation) == (path not in {"/livez", "/readyz", "/metrics"}), path


SERVICE, WRITE, READ = "analysis:run", "exam:write", "report:read"
MAY = [
    # scope, route: allowed for the own subject, for another
    (SERVICE, UPDATE, True, True),
    (WRITE, UPDATE, True, False),
    (READ, UPDATE, False, False),
    ("analysis:runner", UPDATE, False, False),
    ("", UPDATE, False, False),
    *((SERVICE, route, True, True) for route in READS),
    *((READ, route, True, False) for route in READS),
    *((WRITE, route, False, False) for route in READS),
    *(("report:reader analysis:ru", route, False, False) for route in READS),
]


@pytest.mark.parametrize(("scope", "route", "own", "other"), MAY)
def test_who_may_do_what_at_which_route(provider, api, scope, route, own, other):
    token = provider.token(scope=scope)
    for user_id, allowed in (("u1", own), ("u2", other)):
        status = api.ask(route, token, user_id).status_code
        assert status in ((200, 404) if allowed else (403,)), user_id


@pytest.mark.parametrize(("scope", "days", "status"), [(WRITE, 1, 403), (WRITE, 30, 200), (SERVICE, 1, 200)])
def test_only_a_service_chooses_how_many_days_count(provider, api, scope, days, status):
    """A learner chose the day that went well, and that estimate was stored."""
    headers = {"Authorization": f"Bearer {provider.token(sub='u1', scope=scope)}"}
    asked = {"user_id": "u1", "lookback_days": days}
    assert api.client.post("/analysis/irt/update-theta", json=asked, headers=headers).status_code == status


@pytest.mark.parametrize("route", ROUTES)
def test_a_user_who_exists_and_one_who_does_not_are_refused_alike_and_without_a_look(provider, api, route):
    token = provider.token(scope=f"{WRITE} {READ}")
    api.taken.clear()
    known, unknown = (api.ask(route, token, user_id) for user_id in ("u2", "nobody"))
    assert without_id(known) == without_id(unknown)
    assert known.status_code == 403
    assert (
        known.headers["www-authenticate"] == f'Bearer realm="seedtest", error="insufficient_scope", scope="{SERVICE}"'
    )
    assert api.taken == []


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Bearer {token}"), ("Authorization", "Bearer {token}")],
        [("Authorization", "Bearer {token}"), ("Authorization", "Basic dTE6cHc=")],
        [("Authorization", "Basic dTE6cHc="), ("Authorization", "Bearer {token}")],
        [("Cookie", "token={token}; access_token={token}")],
        [("X-Authorization", "Bearer {token}")],
        [("X-Forwarded-User", "u1"), ("X-User", "u1")],
    ],
)
def test_a_good_token_counts_only_as_the_one_authorization_header(provider, api, headers):
    token = provider.token(scope=SERVICE)
    sent = [(name, value.format(token=token)) for name, value in headers]
    assert api.client.get("/users/u1/theta", headers=sent).status_code == 401
    assert api.client.get(f"/users/u1/theta?access_token={token}").status_code == 401
    assert api.ask("GET /users/{user_id}/theta", token).status_code == 200


def test_a_header_of_any_size_is_refused_and_breaks_nothing(provider, api):
    for size in (10_000, 60_000, 1_000_000):
        assert api.ask(UPDATE, "x" * size).status_code in {400, 401, 431}
    assert api.ask("GET /users/{user_id}/theta", provider.token(scope=READ)).status_code == 200


def test_the_bodys_user_is_the_one_who_is_checked_and_updated(provider, api):
    token = provider.token(scope=WRITE)
    for body in ('{"user_id": "u1", "user_id": "u2"}', '{"user_id": "u2", "user_id": "u1"}'):
        answer = api.client.post(
            "/analysis/irt/update-theta",
            content=body,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        assert answer.status_code in {403, 422} or answer.json()["user_id"] == "u1"


def test_a_provider_that_is_down_at_the_start_is_503_with_retry_after_until_it_is_up(own_provider, make_service_here):
    own_provider.kill()
    brisk = Ages(fresh_s=600, stale_s=3600, cool_down_s=0.1)
    authenticator = TokenAuthenticator(Issuer(ISSUER, AUDIENCE), KeyCache(key_source(own_provider.url), brisk))
    with served(make_service_here(), authenticator) as api:
        token = own_provider.token(scope=READ)
        asked = api.ask("GET /users/{user_id}/theta", token)
        assert asked.status_code == 503
        assert int(asked.headers["retry-after"]) > 0
        assert asked.json()["type"] == "/problems/keys-unavailable"
        assert own_provider.url not in asked.text
        ready = api.client.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["keys"]["ok"]) == (503, False)
        assert api.client.get("/livez").status_code == 200
        assert api.ask(UPDATE, "nonsense").status_code == 401
        own_provider.revive()
        until(lambda: api.ask("GET /users/{user_id}/theta", token).status_code != 503)
        assert api.ask("GET /users/{user_id}/theta", token).status_code == 200
