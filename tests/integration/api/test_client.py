"""The platform's call: patient while the API is busy or away, and not for ever."""

import math
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import get_args

import httpx
import pytest

from resources.model import Edition
from seedtest_pipeline.api import client
from tests.integration.api import test_classes
from tests.integration.api.platform import adopt, end_session
from tests.integration.api.test_reads import WEEK, publish


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
        "user123 ok", "user124 noop", "/users/user123/reports/2025-02-03?format=html",
        "/classes/7%20B/reports/2025-02-03?format=html",
    ]  # fmt: skip


def test_an_edition_is_listed_and_linked_by_its_name(engine, api, tmp_path):
    publish(engine, tmp_path, "u1", WEEK, "html")
    publish(engine, tmp_path, "u1", WEEK, "eml", b"mail", "teacher")
    with client.Client(str(api.base_url), "any") as caller:
        assert [len(caller.reports("u1", edition)["weeks"]) for edition in get_args(client.Edition)] == [1, 1, 0]
        url = caller.report_link("u1", WEEK.key, "eml", "teacher")["url"]
    assert url == "/users/u1/reports/2025-02-03?format=eml&edition=teacher"
    assert get_args(client.Edition) == get_args(Edition)


def told(url: str, user_id: str, session_id: str | None = None) -> dict:
    with client.Client(url, "token") as caller:
        return caller.update_theta(user_id, session_id)


def test_it_comes_back_when_it_was_told_to(slept):
    with scripted((503, "7"), (429, "20"), (200, "")) as (url, asked):
        assert told(url, "u1", "s1") == {}
    assert asked == [b'{"user_id":"u1","session_id":"s1"}'] * 3
    assert [int(pause) in range(least, least + 3) for pause, least in zip(slept, (8, 21), strict=True)] == [True, True]


def test_after_a_minute_it_gives_up_and_says_why(slept):
    with scripted((503, "5")) as (url, asked), pytest.raises(httpx.HTTPStatusError, match="503"):
        told(url, "u1")
    assert sum(slept) <= 60
    assert len(asked) > 5


def test_out_of_reach_for_a_minute_is_its_own_error(slept):
    with pytest.raises(httpx.ConnectError):
        told("http://127.0.0.1:1", "u1")
    assert 50 < sum(slept) <= 60


def test_a_refusal_is_not_tried_again(slept):
    with scripted((403, "")) as (url, asked), pytest.raises(httpx.HTTPStatusError, match="403"):
        told(url, "u1")
    assert (len(asked), slept) == (1, [])
