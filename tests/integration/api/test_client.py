"""The platform's call: patient while the API is busy or away, and not for ever."""

import math
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import get_args

import httpx
import pytest

from resources.model import Edition
from seedtest_pipeline.api import client
from seedtest_pipeline.api.client_types import Refused
from tests.integration.api import test_classes
from tests.integration.api.platform import adopt, end_session
from tests.integration.api.provider import AUDIENCE, ISSUER
from tests.integration.api.test_reads import PAGE, WEEK, publish, publish_in_s3


@contextmanager
def scripted(*answers: tuple[int, str]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives these statuses and Retry-After in turn, the last one for ever, and what it was asked."""
    left, asked = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            status, retry_after = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            if retry_after:
                self.send_header("Retry-After", retry_after)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.fixture
def slept(monkeypatch) -> list[float]:
    """Pauses, each told and over at once, on a clock that goes on by them."""
    pauses: list[float] = []
    monkeypatch.setattr(client.time, "sleep", pauses.append)
    monkeypatch.setattr(client.time, "monotonic", lambda: sum(pauses))
    return pauses


def test_its_example_runs_against_the_real_api(engine, api, tmp_path, capsys):
    adopt(engine)
    end_session(engine, "user123", "session456", "10")
    publish(engine, tmp_path, "user123", WEEK, "html")
    test_classes.publish(engine, tmp_path, "7 B")
    _, example, *_ = client.__doc__.split("\n\n")
    here = textwrap.dedent(example).replace("https://scores.example.com", str(api.base_url))
    exec(here, {"Client": client.Client, "token": "any"})  # noqa: S102 - ours
    first, *others = capsys.readouterr().out.splitlines()
    assert [math.isfinite(float(number)) for number in first.split()] == [True, True]
    assert others == [
        "user123 ok", "user124 noop", "/v1/users/user123/reports/2025-02-03?format=html",
        "/v1/classes/7%20B/reports/2025-02-03?format=html 21",
    ]  # fmt: skip


def test_an_edition_is_listed_and_linked_by_its_name(engine, api, tmp_path):
    publish(engine, tmp_path, "u1", WEEK, "html")
    publish(engine, tmp_path, "u1", WEEK, "eml", b"mail", "teacher")
    with client.Client(str(api.base_url), "any") as caller:
        assert [len(caller.reports("u1", edition)["weeks"]) for edition in get_args(client.Edition)] == [1, 1, 0]
        url = caller.report_link("u1", WEEK.key, "eml", "teacher")["url"]
    assert url == "/v1/users/u1/reports/2025-02-03?format=eml&edition=teacher"
    assert get_args(client.Edition) == get_args(Edition)


def told(url: str, user_id: str, session_id: str | None = None) -> dict:
    with client.Client(url, "token") as caller:
        return caller.update_theta(user_id, session_id)


def test_it_comes_back_when_it_was_told_to_in_seconds_or_by_a_date_and_when_a_proxy_found_nobody(slept):
    """A date ended it with a ValueError, and the 502 of an nginx whose API was just being replaced was final."""
    past, soon = formatdate(time.time() - 60, usegmt=True), formatdate(time.time() + 20, usegmt=True)
    answers = (503, "7"), (429, soon), (503, past), (502, ""), (504, "never"), (200, "")
    with scripted(*answers) as (url, asked):
        assert told(url, "u1", "s1") == {}
    assert asked == [b'{"user_id":"u1","session_id":"s1"}'] * len(answers)
    bounds = (8, 10), (17, 23), (1, 3), (1, 3), (1, 3)  # as the machine is busy, a date comes nearer
    assert [low <= pause <= high for pause, (low, high) in zip(slept, bounds, strict=True)] == [True] * 5


def test_after_a_minute_it_gives_up_and_says_why(slept):
    with scripted((503, "5")) as (url, asked), pytest.raises(Refused, match=r"^503 about:blank: Service Unavailable$"):
        told(url, "u1")
    assert sum(slept) <= 60
    assert len(asked) > 5


def test_out_of_reach_for_a_minute_is_its_own_error(slept):
    with pytest.raises(httpx.ConnectError):
        told("http://127.0.0.1:1", "u1")
    assert 50 < sum(slept) <= 60


def test_a_refusal_is_not_tried_again(slept):
    with scripted((403, "")) as (url, asked), pytest.raises(Refused, match="403"):
        told(url, "u1")
    assert (len(asked), slept) == (1, [])


def test_a_redirect_is_no_answer_to_an_update(slept):
    with scripted((302, "")) as (url, _), pytest.raises(Refused, match="302"):
        told(url, "u1")


def test_a_refusal_says_which_problem_it_is_and_of_which_fields_and_no_id(api):
    with client.Client(str(api.base_url), "any") as caller, pytest.raises(Refused) as caught:
        caller.update_theta("secret" * 400)
    refused = caught.value
    assert refused.type == "/problems/validation"
    assert [one["field"] for one in refused.errors] == ["body.user_id"]
    text = str(refused)
    assert text.startswith(f"422 /problems/validation: {refused.detail} body.user_id: String should have at most 2000")
    assert text.endswith(f"(request {refused.response.json()['request_id']})")
    assert "secret" not in text
    with client.Client(str(api.base_url), "any") as caller, pytest.raises(Refused) as caught:
        caller.report_link("secret", WEEK.key)
    assert caught.value.type == "/problems/not-found"
    assert "secret" not in str(caught.value)


def test_a_token_that_was_refused_is_asked_for_once_more(serve, provider):
    api = serve(local_dev=False, jwks_url=provider.url, jwt_iss=ISSUER, jwt_aud=AUDIENCE)
    good = provider.token("rs", sub="platform", scope="analysis:run")
    given = iter(["stale", good, good])
    with client.Client(str(api.base_url), lambda: next(given)) as caller:
        assert [caller.theta(user)["user_id"] for user in ("u1", "u2")] == ["u1", "u2"]
    for tokens, n_asked in ((["same", "same"], 1), (["one", "two"], 2)):
        with scripted((401, "")) as (url, asked), client.Client(url, iter(tokens).__next__) as caller:
            with pytest.raises(Refused, match="401"):
                caller.update_theta("u1")
            assert len(asked) == n_asked


def test_a_report_is_read_wherever_it_lies_and_only_the_api_sees_the_token(
    engine, serve, provider, s3_bucket, tmp_path
):
    publish(engine, tmp_path, "a/b", WEEK, "html")
    here = {"local_dev": False, "jwks_url": provider.url, "jwt_iss": ISSUER, "jwt_aud": AUDIENCE}
    token, shown = provider.token("rs", sub="platform", scope="analysis:run"), []
    for more in ({}, {"s3_bucket": s3_bucket, "aws_region": "us-east-1"}):
        if more:
            publish_in_s3(engine, s3_bucket, "a/b")
        base = serve(api_root_path="/api/seedtest", **here, **more).base_url
        with client.Client(f"{base}/api/seedtest", token) as caller:
            caller._http.event_hooks["request"] = [
                lambda asked, ours=base.port: shown.append((asked.url.port == ours, "authorization" in asked.headers))
            ]
            (report,) = caller.reports("a/b")["weeks"][0]["reports"]
            link = caller.report_link("a/b", WEEK.key)
            assert link["url"].startswith("http") == bool(more)
            assert [caller.read(address) for address in (report["href"], link["url"])] == [PAGE, PAGE]
    assert {ours for ours, _ in shown} == {True, False}
    assert all(ours == told for ours, told in shown)
