"""The OpenAPI document: schemathesis finds no 5xx, and no answer that it does not describe."""

import datetime as dt
import json
import re

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis import openapi

from resources.database.engine import transaction
from resources.database.queries.estimates import current_abilities
from tests.integration.api.platform import adopt, end_session

NOW = dt.datetime(2025, 2, 12, 9, tzinfo=dt.UTC)
OPERATIONS = [
    ("updateTheta", "POST", "/v1/analysis/irt/update-theta"),
    ("updateThetas", "POST", "/v1/analysis/irt/update-theta:batch"),
    ("getThetaByQuery", "GET", "/v1/analysis/irt/theta"),
    ("getTheta", "GET", "/v1/users/{user_id}/theta"),
    ("listReports", "GET", "/v1/users/{user_id}/reports"),
    ("getReportIndex", "GET", "/v1/users/{user_id}/reports/index.html"),
    ("getReport", "GET", "/v1/users/{user_id}/reports/{week}"),
    ("listClasses", "GET", "/v1/classes"),
    ("listClassReports", "GET", "/v1/classes/{group}/reports"),
    ("getClassReport", "GET", "/v1/classes/{group}/reports/{week}"),
    ("getLiveness", "GET", "/livez"),
    ("getReadiness", "GET", "/readyz"),
]
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
    schemathesis.checks.response_headers_conformance,
]


@pytest.fixture
def document(api) -> dict:
    return api.get("/openapi.json").json()


@pytest.mark.parametrize(("method", "path"), [operation[1:] for operation in OPERATIONS])
def test_whatever_the_document_allows_is_answered_as_it_says(engine, serve, method, path):
    adopt(engine)
    end_session(engine, "0", "s1", "10")
    with transaction(engine) as connection:
        current_abilities.store(
            connection.connection.driver_connection,
            [current_abilities.Ability("1", 0.1, 0.2, 3, "2PL", "b1", NOW, NOW)],
        )
    api = serve(api_rate_per_minute=1_000_000)
    schema = openapi.from_url(f"{api.base_url}/openapi.json")

    @hypothesis.settings(max_examples=30, deadline=None, derandomize=True, database=None,
                         suppress_health_check=list(HealthCheck))  # fmt: skip
    @hypothesis.given(case=schema[path][method].as_strategy())
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS)

    ask()


def test_every_operation_is_tried_above_and_has_its_name_for_good(document):
    """Generated clients call their functions by it: `update_theta_analysis_irt_update_theta_post` was one."""
    described = sorted(
        (operation["operationId"], method.upper(), path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    assert described == sorted([*OPERATIONS, ("getMetrics", "GET", "/metrics")])
    assert len({name for name, _, _ in described}) == len(described)
    assert all(re.fullmatch("(get|list|update)([A-Z][a-z]+)+", name) for name, _, _ in described)


def test_bounds_of_a_body_are_those_that_are_enforced(api, document):
    """Ids and days had none: what reads as text or a number may be a number or text."""
    schemas = document["components"]["schemas"]
    for name, path in (("UpdateTheta", "update-theta"), ("UpdateThetas", "update-theta:batch")):
        fields = schemas[name]["properties"]
        days, digits, _ = fields["lookback_days"]["anyOf"]
        text, _ = fields["user_id"]["anyOf"] if "user_id" in fields else fields["user_ids"]["items"]["anyOf"]
        for given, n_days, status in (
            ("u" * text["maxLength"], days["maximum"], 200),
            ("u" * text["minLength"], days["minimum"], 200),
            ("u" * (text["maxLength"] + 1), 1, 422),
            ("u" * (text["minLength"] - 1), 1, 422),
            ("u", days["maximum"] + 1, 422),
            ("u", days["minimum"] - 1, 422),
        ):
            body = {"user_id": given} if "user_id" in fields else {"user_ids": [given]}
            answer = api.post(f"/analysis/irt/{path}", json={**body, "lookback_days": n_days})
            assert answer.status_code == status, (len(given), n_days, answer.text)
        assert re.fullmatch(digits["pattern"], "030")
    for name in ("session_id", "model", "version"):
        assert schemas["UpdateTheta"]["properties"][name]["anyOf"][0]["maxLength"] == text["maxLength"]


def test_what_needs_a_token_says_so_and_asks_for_it(document, serve, provider):
    from tests.integration.api.provider import AUDIENCE, ISSUER

    closed = serve(local_dev=False, jwks_url=provider.url, jwt_iss=ISSUER, jwt_aud=AUDIENCE)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answer = closed.request(
                method, path.format(user_id="u", group="3-2", week="2025-02-03"), json={"user_id": "u"}
            )
            assert (answer.status_code == 401) == (operation.get("security") == [{"token": []}]), path
            assert (answer.status_code == 401) == ("WWW-Authenticate" in answer.headers)


def test_every_problem_has_an_example_that_is_one(document):
    problem = document["components"]["schemas"]["Problem"]
    described = 0
    for methods in document["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                for example in (
                    answer.get("content", {}).get("application/problem+json", {}).get("examples", {}).values()
                ):
                    described += 1
                    assert set(problem["required"]) <= set(example["value"])
                    assert str(example["value"]["status"]) == status
    assert described > 20
    assert "$defs" not in json.dumps(document)


def test_the_example_of_an_update_is_accepted(api, document):
    (example,) = document["components"]["schemas"]["UpdateTheta"]["examples"]
    answer: httpx.Response = api.post("/analysis/irt/update-theta", json=example)
    assert answer.json()["status"] == "noop"
