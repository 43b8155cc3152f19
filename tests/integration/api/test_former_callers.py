"""What callers of the predecessor send: it works, or is refused in a sentence that names the field."""

import pytest

from seedtest_pipeline.api.client import Client
from tests.integration.api.platform import adopt, end_session
from tests.integration.api.provider import AUDIENCE, ISSUER
from tests.waiting import until

UPDATE = "/analysis/irt/update-theta"


@pytest.fixture
def platform(engine):
    adopt(engine)
    end_session(engine, "123", "s1", "1101")


@pytest.mark.parametrize(
    "body",
    [
        {"user_id": "123", "session_id": "", "lookback_days": "30"},
        {"user_id": "123", "lookback_days": 30.0},
        {"user_id": 123, "session_id": 456},
        {"user_id": "123", "model": "2PL", "version": "b1"},
        {"user_id": "123", "model": "", "version": None, "session_id": None, "lookback_days": None},
    ],
)
def test_a_documented_body_gives_the_ability(api, platform, body):
    answer = api.post(UPDATE, json=body)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["user_id"], answer.json()["n_items"]) == ("123", 4)


@pytest.mark.parametrize(
    ("more", "field", "message"),
    [
        ({"model": "3PL"}, "body.model", "2PL is in force here: leave it out, or name 2PL"),
        ({"version": "v1"}, "body.version", "b1 is in force here: leave it out, or name b1"),
        ({"lookback_days": "thirty"}, "body.lookback_days", "Input should be a valid integer"),
        ({"lookback_days": "366"}, "body.lookback_days", "Input should be less than or equal to 365"),
        ({"lookback_days": True}, "body.lookback_days", "Input should be a valid integer"),
        ({"user_id": 1.5}, "body.user_id", "Input should be a valid string"),
        ({"user_id": True}, "body.user_id", "Input should be a valid string"),
        ({"theta": 1}, "body.theta", "Extra inputs are not permitted"),
    ],
)
def test_what_is_not_meant_here_is_refused_by_its_field_and_nothing_is_stored(api, platform, more, field, message):
    answer = api.post(UPDATE, json={"user_id": "123"} | more)
    assert answer.status_code == 422
    assert [(fault["field"], fault["message"]) for fault in answer.json()["errors"]] == [(field, message)]
    assert api.get("/users/123/theta").json()["current"] is None


def test_a_named_bank_without_one_in_force_is_answered_like_any_update(engine, api):
    end_session(engine, "123", "s1", "10")
    answer = api.post(UPDATE, json={"user_id": "123", "version": "v1"})
    assert answer.json()["reason"] == "no_item_parameters"


def test_the_former_address_of_a_theta_answers_as_the_present_one(api, platform):
    api.post(UPDATE, json={"user_id": "123"})
    asked = api.get("/analysis/irt/theta", params={"user_id": "123"})
    assert asked.json() == api.get("/users/123/theta").json()
    assert asked.json()["current"]["n_items"] == 4
    assert asked.headers["deprecation"] == "@1796083200"
    where, of = asked.headers["link"].split(">; ")
    assert of == 'rel="successor-version"'
    followed = api.get(str(asked.url.join(where.removeprefix("<"))))
    assert followed.json() == asked.json()
    assert "deprecation" not in followed.headers


def test_behind_a_gateway_that_leaves_its_prefix_every_path_works_with_and_without(engine, serve, platform):
    api = serve(api_root_path="/api/seedtest")
    for prefix in ("/api/seedtest", ""):
        assert api.post(f"{prefix}{UPDATE}", json={"user_id": "123"}).status_code == 200
        assert api.get(f"{prefix}/users/123/theta").json()["current"]["n_items"] == 4
        assert api.get(f"{prefix}/livez").status_code == 200
    assert api.get("/api/seedtest/openapi.json").json()["servers"] == [{"url": "/api/seedtest"}]
    assert api.get("/api/seedtestusers/123/theta").status_code == 404
    with Client(f"{api.base_url}/api/seedtest", "none") as caller:
        assert caller.update_theta("123")["status"] == "ok"


def test_a_token_with_the_former_scope_reads_its_own_and_nobody_elses(engine, serve, provider, platform, caplog):
    caplog.set_level("INFO")
    api = serve(local_dev=False, jwks_url=provider.url, jwt_iss=ISSUER, jwt_aud=AUDIENCE)
    token = provider.token("rs", sub="123", scope="reports:view")
    headers = {"Authorization": f"Bearer {token}"}
    assert api.get("/analysis/irt/theta", headers=headers).json()["user_id"] == "123"
    assert api.get("/users/123/reports", headers=headers).status_code == 200
    assert api.get("/users/124/reports", headers=headers).status_code == 403
    assert api.get("/analysis/irt/theta", params={"user_id": "124"}, headers=headers).status_code == 403
    assert api.post(UPDATE, json={"user_id": "123"}, headers=headers).status_code == 403
    until(lambda: len([line for line in caplog.records if line.message == "request"]) == 5)
    lines = [vars(line) for line in caplog.records if line.message == "request"]
    assert [line.get("former_scope") for line in lines] == ["reports:view", "reports:view", None, None, None]


@pytest.mark.parametrize("colon", ["%3A", "%3a", ":"])
def test_a_generated_client_may_escape_the_colon_of_a_batch(api, platform, colon):
    """It was 404."""
    answer = api.post(f"/v1{UPDATE}{colon}batch", json={"user_ids": ["123"]})
    assert [one["status"] for one in answer.json()["outcomes"]] == ["ok"]
    assert api.get("/users/a%3Ab/theta").json()["user_id"] == "a:b"
    assert api.get("/users/a%253Ab/theta").json()["user_id"] == "a%3Ab"


@pytest.mark.parametrize("root_path", [None, "/api/seedtest"])
def test_a_path_may_begin_with_the_version_or_not(serve, engine, root_path):
    adopt(engine)
    api = serve(api_root_path=root_path)
    root = root_path or ""
    for path in ("/users/u1/theta", "/v1/users/u1/theta", f"{root}/users/u1/theta", f"{root}/v1/users/u1/theta"):
        assert api.get(path).json()["user_id"] == "u1"
    assert 'route="/users/{user_id}/theta"' in api.get("/metrics").text
    for path in ("/v1/metrics", f"{root}/v1/livez", "/v1/v1/users/u1/theta", "/v2/users/u1/theta"):
        assert api.get(path).status_code == 404, "what a proxy keeps from the world has no second name"
