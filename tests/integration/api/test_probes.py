"""Probes and metrics: what is up, what is not, what Prometheus reads, and what the log says."""

import datetime as dt
import re
import time

import pytest

from tests.integration.api.platform import adopt, end_session
from tests.integration.api.provider import AUDIENCE, ISSUER
from tests.waiting import until

CHECKS = ["database", "migrations", "estimator", "keys"]


def failing(answer) -> list[str]:
    found = answer.json()
    assert list(found["checks"]) == CHECKS
    assert (answer.status_code, found["ready"]) in ((200, True), (503, False))
    return [name for name, check in found["checks"].items() if not check["ok"]]


def test_all_is_there(api):
    assert failing(api.get("/readyz")) == []
    assert api.get("/livez").json() == {"alive": True}


@pytest.mark.parametrize(
    ("settings", "broken"),
    [
        ({"database_url": "postgresql://nobody:nothing@127.0.0.1:1/nothing"}, ["database", "migrations"]),
        ({"r_irt_base_url": "http://127.0.0.1:1", "api_timeout_secs": 6}, ["estimator"]),
        ({"local_dev": False, "jwks_url": "http://127.0.0.1:1/", "jwt_iss": ISSUER, "jwt_aud": AUDIENCE}, ["keys"]),
    ],
)
def test_what_is_down_is_named_and_the_process_lives(serve, settings, broken):
    api = serve(**settings)
    answer = api.get("/readyz")
    assert failing(answer) == broken
    assert "127.0.0.1" not in answer.text
    assert api.get("/livez").status_code == 200


def test_with_the_database_down_a_request_is_503(serve):
    api = serve(database_url="postgresql://nobody:nothing@127.0.0.1:1/nothing")
    for answer in (api.post("/analysis/irt/update-theta", json={"user_id": "u"}), api.get("/users/u/theta")):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json()["type"] == "/problems/database-unavailable"


def test_a_database_that_was_not_migrated_is_not_ready(serve, empty_database_url):
    assert failing(serve(database_url=empty_database_url).get("/readyz")) == ["migrations"]


def test_the_provider_being_down_is_503_for_a_token_and_401_without(serve, provider):
    api = serve(local_dev=False, jwks_url="http://127.0.0.1:1/", jwt_iss=ISSUER, jwt_aud=AUDIENCE)
    with_token = api.get("/users/u1/theta", headers={"Authorization": f"Bearer {provider.token('es')}"})
    assert (with_token.status_code, with_token.json()["type"]) == (503, "/problems/keys-unavailable")
    assert api.get("/users/u1/theta").status_code == 401


def test_metrics_count_by_route_and_outcome_and_tell_nothing_of_users(engine, serve, provider):
    adopt(engine)
    end_session(engine, "u1", "s1", "10")
    api = serve(local_dev=False, jwks_url=provider.url, jwt_iss=ISSUER, jwt_aud=AUDIENCE)
    own = {"Authorization": f"Bearer {provider.token('es', sub='u1', scope='exam:write')}"}
    for user_id in ("u1", "u2"):
        api.post("/analysis/irt/update-theta", json={"user_id": user_id}, headers=own)
    api.get("/users/u1/theta")
    api.get("/nosuch/u1")
    told = api.get("/metrics").text
    update = 'seedtest_api_requests_total{method="POST",route="/analysis/irt/update-theta",status='
    for line in (
        update + '"200"} 1.0',
        update + '"403"} 1.0',
        'seedtest_api_requests_total{method="GET",route="/users/{user_id}/theta",status="401"} 1.0',
        'seedtest_api_requests_total{method="GET",route="None",status="404"} 1.0',
        'seedtest_api_estimate_seconds_count{outcome="ok"} 1.0',
        'seedtest_api_key_fetches_total{outcome="ok"} 1.0',
        'seedtest_api_database_connections{state="open"} 1.0',
        'seedtest_api_database_connections{state="in use"} 0.0',
    ):
        assert line in told
    keys_at = float(re.search(r"(?m)^seedtest_api_keys_fetched_timestamp_seconds (\S+)", told)[1])
    assert time.time() - 300 < keys_at <= time.time()
    assert "u1" not in told


def test_a_log_line_says_who_asked_for_what_about_whom_and_what_became_of_it(engine, serve, caplog):
    """It held neither user nor session."""
    adopt(engine)
    end_session(engine, "u1", "s1", "10")
    caplog.set_level("INFO")
    api = serve()
    update = "/analysis/irt/update-theta"
    answers = [
        api.get("/users/u%2F1/theta?q=secret-query"),
        api.post(update, json={"user_id": "u1", "session_id": "s1"}),
        api.post(update, json={"user_id": "nobody"}),
    ]
    until(lambda: len([line for line in caplog.records if line.message == "request"]) == 3)
    lines = [vars(line) for line in caplog.records if line.message == "request"]
    told = ("request_id", "method", "route", "status", "caller", "user", "session", "outcome", "version", "as_of")
    as_of = dt.datetime.fromisoformat(answers[1].json()["as_of"])
    assert [[line.get(name) for name in told][1:-1] for line in lines] == [
        ["GET", "/users/{user_id}/theta", 200, "local-dev", "u/1", None, None, None],
        ["POST", update, 200, "local-dev", "u1", "s1", "stored", answers[1].json()["version"]],
        ["POST", update, 200, "local-dev", "nobody", None, "no_attempts", None],
    ]
    assert [line["request_id"] for line in lines] == [answer.headers["x-request-id"] for answer in answers]
    assert lines[1]["as_of"] == as_of
    ours = [record for record in caplog.records if record.name.startswith("seedtest_pipeline")]
    assert not any("secret" in str(vars(record)) for record in ours)
