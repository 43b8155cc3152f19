"""Bad input over HTTP: never 200 with NaN, never a stack trace; the status says whose fault, the field says where."""

import json
import math
import re
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest

from resources.estimators.r_service.process import RUN_R
from tests.integration.conftest import TOKEN
from tests.waiting import PATIENCE_S

ITEM = {"a": 1.0, "b": 0.0, "c": 0.2}
RIGHT = {"item_id": "1", "is_correct": True}


@pytest.fixture
def http(r_service_url: str) -> httpx.Client:
    return httpx.Client(base_url=r_service_url, headers={"Authorization": f"Bearer {TOKEN}", "Connection": "close"})


def score(http: httpx.Client, **changes: Any) -> httpx.Response:
    request = {"item_params": {"1": ITEM}, "responses": [RIGHT], **changes}
    return http.post("/irt/score", json={name: value for name, value in request.items() if value is not ...})


def test_score_answers_in_full_precision(http: httpx.Client) -> None:
    answer = score(http)
    assert answer.status_code == 200
    estimate = answer.json()
    # scipy.integrate.quad over +- 40 to 1e-13. The grid of +- 6 SD leaves out what costs some 1e-8 of the SE.
    assert estimate.pop("theta") == pytest.approx(0.27549461885587584, abs=1e-7)
    assert estimate.pop("se") == pytest.approx(0.9613026136349864, abs=1e-7)
    assert re.search(r'"theta":0\.\d{16,17},"se":0\.\d{16,17},', answer.text)
    assert estimate == {"status": "ok", "n_items": 1, "model": "3PL"}


def test_a_list_of_items_without_c_is_a_2pl(http: httpx.Client) -> None:
    listed = score(http, item_params=[{"item_id": "1", "a": 1.0, "b": 0.0}]).json()
    keyed = score(http, item_params={"1": {"a": 1.0, "b": 0.0}}).json()
    assert listed == keyed
    assert listed["model"] == "2PL"


@pytest.mark.parametrize(("by", "atol"), [(3, 1e-7), (5, 1e-12)], ids=["on the common grid", "on a grid of its own"])
def test_a_prior_moves_the_estimate(http: httpx.Client, by: int, atol: float) -> None:
    shifted = score(http, item_params={"1": {"a": 1, "b": by}}, prior={"mean": by, "sd": 1}).json()
    at_zero = score(http, item_params={"1": {"a": 1, "b": 0}}).json()
    assert shifted["theta"] - by == pytest.approx(at_zero["theta"], abs=atol)
    assert shifted["se"] == pytest.approx(at_zero["se"], abs=atol)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"item_params": ...}, "item_params"),
        ({"item_params": {}}, "item_params"),
        ({"item_params": []}, "item_params"),
        ({"item_params": "1"}, "item_params"),
        ({"item_params": {"1": 3}}, "item_params.1"),
        ({"item_params": {"1": {"a": 0, "b": 0}}}, "item_params.1.a"),
        ({"item_params": {"1": {"a": -1, "b": 0}}}, "item_params.1.a"),
        ({"item_params": {"1": {"a": "1", "b": 0}}}, "item_params.1.a"),
        ({"item_params": {"1": {"a": True, "b": 0}}}, "item_params.1.a"),
        ({"item_params": {"1": {"a": "NaN", "b": 0}}}, "item_params.1.a"),
        ({"item_params": {"1": {"a": [1, 2], "b": 0}}}, "item_params.1.a"),
        ({"item_params": {"1": {"a": 1}}}, "item_params.1.b"),
        ({"item_params": {"1": {"a": 1, "b": None}}}, "item_params.1.b"),
        ({"item_params": {"1": {**ITEM, "c": 1}}}, "item_params.1.c"),
        ({"item_params": {"1": {**ITEM, "c": -0.1}}}, "item_params.1.c"),
        ({"item_params": {"1": {**ITEM, "c": "0"}}}, "item_params.1.c"),
        ({"item_params": [{"a": 1, "b": 0}]}, "item_params[0].item_id"),
        ({"item_params": [{"item_id": "1", **ITEM}, {"item_id": "1", **ITEM}]}, "item_params[1]"),
        ({"responses": ...}, "responses"),
        ({"responses": []}, "responses"),
        ({"responses": {}}, "responses"),
        ({"responses": [True]}, "responses[0]"),
        ({"responses": [RIGHT, {"item_id": "2", "is_correct": True}]}, "responses[1].item_id"),
        ({"responses": [{"is_correct": True}]}, "responses[0].item_id"),
        ({"responses": [RIGHT, {"item_id": "1", "is_correct": "true"}]}, "responses[1].is_correct"),
        ({"responses": [{"item_id": "1", "is_correct": 1}]}, "responses[0].is_correct"),
        ({"responses": [{"item_id": "1", "is_correct": None}]}, "responses[0].is_correct"),
        ({"responses": [{"item_id": "1"}]}, "responses[0].is_correct"),
        ({"prior": {"mean": 0, "sd": 0}}, "prior.sd"),
        ({"prior": {"mean": 0}}, "prior.sd"),
        ({"prior": {"mean": [0], "sd": 1}}, "prior.mean"),
    ],
)  # fmt: skip
def test_a_bad_score_request_is_400_and_names_the_field(
    http: httpx.Client, changes: dict[str, Any], field: str
) -> None:
    refused(score(http, **changes), 400, field)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b"null", "body"),
        (b'{"item_params": {"1": {"a": NaN, "b": 0}}, "responses": [{"item_id": "1", "is_correct": true}]}', "body"),
        (b'{"item_params": {"1": {"a": 1e999, "b": 0}}, "responses": []}', "item_params.1.a"),
        (b"/etc/passwd", "body"),
        (b"http://127.0.0.1/", "body"),
        (b"\xff\xfe", "body"),
        (b"{\x00}", "body"),
    ],
)
@pytest.mark.parametrize("mime", ["application/json", "text/plain", "multipart/form-data; boundary=x", None])
def test_a_body_that_is_not_json_is_400_whatever_it_calls_itself(
    http: httpx.Client, content: bytes, field: str, mime: str | None
) -> None:
    headers = {"Content-Type": mime} if mime else {}
    refused(http.post("/irt/score", content=content, headers=headers), 400, field)


HEAD = json.dumps({"item_params": {"1": ITEM}}) + "\n"


def test_a_batch_answers_in_the_order_of_the_users_with_ids_as_given(http: httpx.Client) -> None:
    rows = 'user,item,correct\nzoë,1,1\n007,1,0\nzoë,1,0\n"a ""b"", c",1,1\n'
    answer = http.post("/irt/score/batch", content=(HEAD + rows).encode())
    assert answer.headers["content-type"] == "text/csv"
    lines = answer.content.decode().splitlines()
    assert lines[0] == "user,theta,se,n_items"
    assert [(line.rsplit(",", 3)[0], line.rsplit(",", 1)[1]) for line in lines[1:]] == [
        ("zoë", "2"), ("007", "1"), ('"a ""b"", c"', "1"),
    ]  # fmt: skip
    assert float(lines[3].rsplit(",", 3)[1]) == score(http).json()["theta"]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (HEAD, "csv"),
        (HEAD + "user,item,correct\n", "csv"),
        (HEAD + "user,item\nu,1\n", "correct"),
        (HEAD + "item,correct\n1,1\n", "user"),
        (HEAD + "user,item,correct\nu,1,2\n", "correct"),
        (HEAD + "user,item,correct\nu,1,true\n", "correct"),
        (HEAD + "user,item,correct\nu,1,\n", "correct"),
        (HEAD + "user,item,correct\nu,1,NaN\n", "correct"),
        (HEAD + "user,item,correct\nu,2,1\n", "item"),
        (HEAD + "user,item,correct\nu,1,1\nu,1\nu,1,1\n", "csv"),
        ("user,item,correct\nu,1,1\n", "head"),
        ('{"item_params": {}}\nuser,item,correct\nu,1,1\n', "item_params"),
        ("{}\nuser,item,correct\nu,1,1\n", "item_params"),
        ("no newline", "body"),
        ("", "body"),
    ],
)  # fmt: skip
def test_a_bad_batch_is_400_and_names_the_column(http: httpx.Client, content: str, field: str) -> None:
    refused(http.post("/irt/score/batch", content=content.encode()), 400, field)


def test_a_batch_says_which_row(http: httpx.Client) -> None:
    answer = http.post("/irt/score/batch", content=(HEAD + "user,item,correct\nu,1,1\nu,9,1\n").encode())
    assert answer.json()["message"] == "Row 2: item 9 is not in item_params."


def with_prior(mean: str, sd: str) -> bytes:
    """A batch of two users, v before u."""
    head = f'{HEAD.rstrip()[:-1]}, "prior": {{"mean": {mean}, "sd": {sd}}}}}\n'
    return f"{head}user,item,correct\nv,1,1\nu,1,1\nv,1,0\n".encode()


def test_a_batch_takes_a_prior_per_user_in_the_order_of_the_answer(http: httpx.Client) -> None:
    def thetas(mean: str, sd: str) -> list[str]:
        answer = http.post("/irt/score/batch", content=with_prior(mean, sd))
        assert answer.status_code == 200
        return [line.split(",")[1] for line in answer.text.splitlines()[1:]]

    assert thetas("[2, -1]", "[0.5, 0.7]") == [thetas("2", "0.5")[0], thetas("-1", "0.7")[1]]
    assert thetas("[2, -1]", "0.5") == [thetas("2", "0.5")[0], thetas("-1", "0.5")[1]]


@pytest.mark.parametrize(
    ("mean", "sd", "field", "sentence"),
    [
        ("[0]", "1", "prior.mean",
         "mean is a list of 1, and the batch has 2 users: send one number, or one for each user."),
        ("[]", "1", "prior.mean", "mean is a list of 0,"),
        ("[0, 0]", "[1, 1, 1]", "prior.sd", "sd is a list of 3,"),
        ('[0, "0"]', "1", "prior.mean[1]", "mean must be a finite number."),
        ("[0, true]", "1", "prior.mean[1]", "mean must be a finite number."),
        ("[null, 0]", "1", "prior.mean[0]", "mean must be a finite number."),
        ("[0, 1e999]", "1", "prior.mean[1]", "mean must be a finite number."),
        ('{"v": 0, "u": 0}', "1", "prior.mean", "mean must be a finite number."),
        ("0", "[1, 0]", "prior.sd[1]", "sd is 0, and must be above 0."),
        ("0", "[-2, 1]", "prior.sd[0]", "sd is -2, and must be above 0."),
        ("0", "0", "prior.sd", "sd is 0, and must be above 0."),
        ("[0, 0]", "1e308", "item_params", "A posterior is not finite: some a, b or prior is too extreme."),
    ],
)  # fmt: skip
def test_a_batch_with_a_bad_prior_is_400_and_says_whose(
    http: httpx.Client, mean: str, sd: str, field: str, sentence: str
) -> None:
    answer = http.post("/irt/score/batch", content=with_prior(mean, sd))
    refused(answer, 400, field)
    assert answer.json()["message"].startswith(sentence)


def test_calibration_without_mirt_is_501_and_its_input_is_checked_first(http: httpx.Client) -> None:
    def calibrate(head: str, rows: str) -> httpx.Response:
        return http.post("/irt/calibrate", content=f"{head}\nuser,item,correct\n{rows}".encode())

    # Each learner is right from an item on, so that the answers hang together.
    rows = "".join(f"u{user},i{item},{int(item >= user % 5)}\n" for user in range(60) for item in range(4))
    refused(calibrate('{"model": "4PL"}', rows), 400, "model")
    refused(calibrate("{}", rows), 400, "model")
    refused(calibrate('{"model": "2PL"}', rows + "u1,i1,1\n"), 400, "user")
    refused(calibrate('{"model": "2PL"}', "u,1,1\nv,1,0\n"), 422, None)
    refused(calibrate('{"model": "2PL"}', "u,1,1\nu,2,0\nu,3,1\n"), 422, None)
    booklets = "".join(f"{user},{user % 2}-{item},{int(user % 3 > 1)}\n" for user in range(120) for item in range(3))
    refused(calibrate('{"model": "2PL"}', booklets), 422, "item")
    if http.get("/healthz").json()["mirt"] is None:
        answer = calibrate('{"model": "2PL"}', rows)
        refused(answer, 501, None)
        assert "mirt" in answer.json()["message"]


def test_unknown_paths_and_methods_are_json_too(http: httpx.Client) -> None:
    refused(http.post("/irt/nothing"), 404, None)
    refused(http.get("/irt/score"), 405, None)
    assert http.get("/irt/score").headers["allow"] == "POST"


def test_the_token_is_asked_for_but_not_for_health(r_service_url: str) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": TOKEN}, {"Authorization": f"Basic {TOKEN}"}):
        refused(httpx.post(f"{r_service_url}/irt/score", json={}, headers=headers), 401, None)
    assert httpx.get(f"{r_service_url}/healthz").json()["status"] == "ok"


def test_a_body_over_the_limit_is_413_and_a_chunked_one_411(http: httpx.Client) -> None:
    # Announced and not sent: the service answers on the headers, and a client still sending may lose the answer.
    announced = HTTPConnection(http.base_url.host, http.base_url.port, timeout=PATIENCE_S)
    announced.request("POST", "/irt/score", headers={**http.headers, "Content-Length": str(64 * 2**20 + 1)})
    answer = announced.getresponse()
    refused(httpx.Response(answer.status, headers=dict(answer.headers), content=answer.read()), 413, None)
    announced.close()
    refused(http.post("/irt/score", content=iter([b"{}"])), 411, None)


def test_the_request_id_comes_back_and_one_that_is_missing_is_made(http: httpx.Client) -> None:
    assert http.get("/healthz", headers={"X-Request-Id": "my-id"}).headers["x-request-id"] == "my-id"
    assert len(http.get("/healthz").headers["x-request-id"]) == 32
    refused_id = http.post("/irt/score", content=b"{", headers={"X-Request-Id": "bad-one"})
    assert refused_id.headers["x-request-id"] == "bad-one"


def refused(answer: httpx.Response, status: int, field: str | None) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()
    assert error["status"] == "error"
    assert error.get("field") == field
    assert error["code"] not in ("", "internal")
    assert len(error["message"]) > 10
    assert Path(RUN_R).parent.name not in error["message"]  # no path, so no trace
    assert not any(isinstance(value, float) and math.isnan(value) for value in error.values())
