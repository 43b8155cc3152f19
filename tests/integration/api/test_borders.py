"""What the API does not let in: odd ids, injections, bodies, floods and slowness; and how it says so."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import quote, urlsplit

import httpx
import pytest

from resources.database.engine import transaction
from resources.estimators.in_process import InProcessEstimator
from seedtest_pipeline.api.auth.caller import Caller, Unauthenticated
from seedtest_pipeline.api.middleware import limits
from seedtest_pipeline.api.middleware.limits import BODY_LIMIT
from seedtest_pipeline.api.middleware.places import NoPlace, Places
from seedtest_pipeline.api.schemas import ID_BYTES
from tests.integration.api.platform import adopt, end_session
from tests.waiting import PATIENCE_S, until

UPDATE = "/analysis/irt/update-theta"
ODD_IDS = [
    "..", "../..", "a/b", "/", "a%2Fb", "a b", "ünï-코드-🙂", "'; DROP TABLE mirt_ability; --", "' OR '1'='1", "%s",
    "{}",     "x" * ID_BYTES, "\u202e", "a\nb", "a\\b", "null", "u1|2025-01-06", " ", "?x=1", "#", "%00x",
]  # fmt: skip


def problem(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["x-request-id"]
    return body["type"].removeprefix("/problems/")


@pytest.mark.parametrize("user_id", ODD_IDS)
def test_an_odd_id_is_a_user_like_any_other(engine, api, user_id):
    adopt(engine)
    end_session(engine, "u1", "s1", "11")
    if user_id.strip():
        end_session(engine, user_id, "s1", "10")
    answer = api.post(UPDATE, json={"user_id": user_id, "session_id": user_id})
    assert answer.json()["status"] == ("ok" if user_id.strip() else "noop"), answer.text
    path = quote(user_id, safe="").replace(".", "%2E")  # or the client would take .. out of the path
    found = api.get(f"/users/{path}/theta").json()
    assert found["user_id"] == user_id
    assert (found["current"] is not None) == bool(user_id.strip())
    assert api.get(f"/users/{path}/reports").json()["weeks"] == []
    with transaction(engine) as connection:
        stored = connection.exec_driver_sql("SELECT user_id FROM mirt_ability").scalars().all()
    assert stored == ([user_id] if user_id.strip() else [])


@pytest.mark.parametrize("user_id", ["", "a\0b", "x" * (ID_BYTES + 1), "ü" * (ID_BYTES // 2 + 1), "x" * 10_000])
def test_an_id_that_cannot_be_stored_is_refused_by_name(api, user_id):
    for answer in (
        api.post(UPDATE, json={"user_id": user_id}),
        *([api.post(UPDATE, json={"user_id": "u1", "session_id": user_id})] if user_id else []),  # no session is none
        *([api.get(f"/users/{quote(user_id)}/theta"), api.get(f"/users/{quote(user_id)}/reports")] if user_id else []),
    ):
        assert problem(answer) == "validation"
        (fault,) = answer.json()["errors"]
        assert fault["field"] in ("body.user_id", "body.session_id", "path.user_id")


def test_a_path_that_is_no_utf_8_and_text_that_is_none_are_refused(api):
    assert problem(api.get("/users/%ff/theta")) == "validation"
    lone = api.post(UPDATE, content=b'{"user_id": "\\ud800"}', headers={"Content-Type": "application/json"})
    assert problem(lone) == "validation"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body.user_id"),
        ({"user_id": 5.5}, "body.user_id"),
        ({"user_id": "u", "lookback_days": 0}, "body.lookback_days"),
        ({"user_id": "u", "lookback_days": 366}, "body.lookback_days"),
        ({"user_id": "u", "lookback_days": "30 days"}, "body.lookback_days"),
        ({"user_id": "u", "lookback_days": 2.5}, "body.lookback_days"),
        ({"user_id": "u", "lookback_days": True}, "body.lookback_days"),
        ({"user_id": "u", "usr": "x"}, "body.usr"),
        ([], "body"),
        ("u", "body"),
    ],
)
def test_a_field_that_is_wrong_is_named(api, body, field):
    answer = api.post(UPDATE, json=body)
    assert problem(answer) == "validation"
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 10_000, b'{"user_id": "u"', b"{'user_id': 'u'}"])
def test_what_is_no_json_is_malformed(api, body):
    answer = api.post(UPDATE, content=body, headers={"Content-Type": "application/json"})
    assert problem(answer) == "malformed"


@pytest.mark.parametrize("header", [{"Content-Type": "application/x-www-form-urlencoded"}, {}])
def test_json_that_is_not_called_so_is_refused_with_the_header_to_send(api, header):
    """As `curl -d` sends it: it was 422, "Input should be a valid dictionary"."""
    for path, body in ((UPDATE, b'{"user_id": "u1"}'), (f"{UPDATE}:batch", b'{"user_ids": ["u1"]}')):
        answer = api.post(path, content=body, headers=header)
        assert problem(answer) == "unsupported-media-type"
        assert "send Content-Type: application/json" in answer.json()["detail"]
        assert api.post(path, content=body, headers={"Content-Type": "application/json"}).status_code == 200


def test_unknown_paths_and_methods(api):
    assert problem(api.get("/nosuch")) == "not-found"
    answer = api.get(UPDATE)
    assert problem(answer) == "method-not-allowed"
    assert answer.headers["allow"] == "POST"


def test_a_body_that_is_too_large_is_refused_whether_it_tells_its_length_or_not(api, monkeypatch):
    monkeypatch.setattr(limits, "BODY_LIMIT", 1000)
    large = b"x" * 1001
    for content in (large, iter([large[:10], large[10:]])):
        answer = api.post(UPDATE, content=content, headers={"Content-Type": "application/json"})
        assert problem(answer) == "too-large"
        assert f" {BODY_LIMIT // 1024} kB" in answer.json()["detail"]


class NamedCallers:
    """Whoever says `Authorization: SUBJECT SCOPE` is believed, but for `forged`."""

    async def start(self) -> None: ...
    async def aclose(self) -> None: ...
    def check(self) -> str:
        return ""

    async def authenticate(self, authorization: str | None) -> Caller:
        subject, _, scope = (authorization or "").partition(" ")
        if subject == "forged":
            raise Unauthenticated("its signature is wrong")
        return Caller(subject, frozenset([scope]))


def test_a_caller_that_asks_too_often_is_told_when_to_come_back_and_others_are_not_held_up(serve):
    api = serve(authenticator=NamedCallers(), api_user_rate_per_minute=3, api_rate_per_minute=5)
    ask = lambda who: api.get("/users/u1/reports", headers={"Authorization": who})  # noqa: E731 - short
    assert [ask("u1 report:read").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    refused = ask("u1 report:read")
    assert problem(refused) == "too-many-requests"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert [ask("platform analysis:run").status_code for _ in range(6)] == [200] * 5 + [429]


class SlowEstimator(InProcessEstimator):
    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def estimate(self, *given, **more):
        assert self.go_on.wait(PATIENCE_S)
        return super().estimate(*given, **more)


def test_a_request_that_takes_too_long_is_503_and_one_that_finds_no_room_too_while_probes_answer(engine, serve):
    adopt(engine)
    end_session(engine, "u1", "s1", "10")
    slow = SlowEstimator()
    api = serve(estimator=slow, api_timeout_secs=6, api_concurrency=2)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(api.post, UPDATE, json={"user_id": "u1"}) for _ in range(2)]
        until(lambda: "requests_under_way 3.0" in api.get("/metrics").text)  # with this one
        refused = api.get("/users/u1/theta")
        assert problem(refused) == "overloaded"
        assert refused.headers["Retry-After"] == "5"
        assert api.get("/livez").json() == {"alive": True}
        assert [problem(run.result()) for run in waiting] == ["timed-out"] * 2
    slow.go_on.set()
    until(lambda: api.get("/users/u1/theta").json()["current"] is not None)


def test_bodies_that_never_come_hold_no_place_and_are_given_up(serve):
    """Seven learners who sent bodies byte by byte held all 64 places."""
    api = serve(authenticator=NamedCallers(), api_timeout_secs=2, api_concurrency=1)
    address = urlsplit(str(api.base_url))
    head = (
        b"POST /analysis/irt/update-theta HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Authorization: u1 exam:write\r\nContent-Length: 20\r\n\r\n{"
    )
    with ExitStack() as slow:
        crowd = [
            slow.enter_context(socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S))
            for _ in range(7)
        ]
        for one in crowd:
            one.sendall(head)
        until(lambda: "requests_under_way 8.0" in api.get("/metrics").text)  # with this one
        assert api.get("/users/u2/theta", headers={"Authorization": "u2 report:read"}).status_code == 200
        for one in crowd:
            said = one.recv(4096)
            assert said.startswith(b"HTTP/1.1 408 ")
            assert b"/problems/too-slow" in said


def test_a_learner_holds_few_places_and_a_platform_not_all():
    places = Places(64)
    learner, platform = Caller("u1", frozenset(["exam:write"])), Caller("platform", frozenset(["analysis:run"]))
    with ExitStack() as taken:
        for caller, most in ((learner, 4), (platform, 56)):
            for _ in range(most):
                taken.enter_context(places.taken_by(caller))
            with pytest.raises(NoPlace, match="This caller asks too often or too much at once"):
                taken.enter_context(places.taken_by(caller))
        for n in range(4):
            taken.enter_context(places.taken_by(Caller(f"other {n}", frozenset())))
        with pytest.raises(NoPlace, match="Too many requests are under way"):
            taken.enter_context(places.taken_by(Caller("one more", frozenset())))
    for _ in range(64):
        with places.taken_by(learner):
            pass


def test_tokens_that_are_not_believed_are_counted_and_good_ones_from_there_stay_good(serve):
    api = serve(authenticator=NamedCallers(), api_user_rate_per_minute=3)
    ask = lambda who: api.get("/users/u1/reports", headers={"Authorization": who}).status_code  # noqa: E731 - short
    assert [ask("forged") for _ in range(5)] == [401, 401, 401, 429, 429]
    assert ask("u1 report:read") == 200


def test_head_is_get_without_the_body(api):
    for path in ("/users/u1/theta", "/livez", "/nosuch"):
        got, head = api.get(path), api.head(path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["content-length"] == got.headers["content-length"]
    assert api.head(UPDATE).status_code == 405
    assert api.delete("/users/u1/theta").headers["allow"] == "GET, HEAD"


def test_without_tokens_a_page_from_elsewhere_whose_host_name_leads_here_is_refused(api):
    assert api.get("/users/u1/theta").status_code != 400
    for host in ("localhost:8000", "[::1]:8000"):
        assert api.get("/users/u1/theta", headers={"Host": host}).status_code != 400
    assert api.get("/users/u1/theta", headers={"Host": "rebound.example.com"}).status_code == 400
