"""`seedtest api` as a person starts it: with a token of `seedtest token`, told of a session's end, ended by SIGTERM."""

import itertools
import json
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest
import sqlalchemy as sa

from tests.e2e.conftest import CHECKOUT, Shell
from tests.integration.silent_proxy import silent_proxy
from tests.waiting import PATIENCE_S, SELDOM_S, until


@contextmanager
def serving(shell: Shell, port: int, *more: str) -> Iterator[subprocess.Popen[str]]:
    process = shell.start("api", "--port", str(port), *more)
    try:
        until(lambda: _alive(port) or process.poll() is not None, every_s=SELDOM_S)
        assert process.poll() is None, process.communicate()
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _alive(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/livez", trust_env=False).is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class WithSettings(Shell):
    """The shell after some lines of `export NAME=value`."""

    settings: tuple[tuple[str, str], ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **dict(self.settings)}


def test_two_terminals(shell, port):
    made = shell.run("token", "--sub", "u2", "--scope", "exam:write report:read")
    exports = dict(re.findall(r"^export (\w+)='?([^'\n]+)'?$", made.stderr, re.MULTILINE))
    assert set(exports) == {"JWKS_URL", "JWT_ISS", "JWT_AUD"}
    exports["SEEDTEST_API_TOKEN"] = made.stdout.strip()
    here = WithSettings(shell.home, shell.database_url, settings=tuple(exports.items()))
    with serving(here, port) as process:
        url = f"http://127.0.0.1:{port}"
        told = here.run("notify-session-end", "--user", "u2", "--session", "u2-1", "--url", url)
        assert told.returncode == 0, told.stderr
        # The exam's answers are of 2025, and the look-back has long left them behind.
        assert json.loads(told.stdout)["reason"] == "no_attempts"
        assert _typed_in_readme(port, exports["SEEDTEST_API_TOKEN"], "u2").json()["reason"] == "no_attempts"
        refused = here.run("notify-session-end", "--user", "u3", "--url", url)
        assert refused.returncode == 1
        assert "403" in refused.stderr
        assert "Traceback" not in refused.stderr
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    lines = [json.loads(line) for line in log.splitlines()]
    requests = [(line["route"], line["status"], line["caller"]) for line in lines if line["message"] == "request"]
    update = "/analysis/irt/update-theta"
    assert [request for request in requests if request[0] == update] == [
        (update, 200, "u2"), (update, 200, "u2"), (update, 403, "u2")
    ]  # fmt: skip


def _typed_in_readme(port: int, token: str, user_id: str) -> httpx.Response:
    """What curl would send as README has it, which a machine for tests may lack."""
    (block,) = re.findall(r"^```\n(curl .*?)^```$", (CHECKOUT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    words = shlex.split(block.replace("\\\n", "").replace("$TOKEN", token).replace("user123", user_id))
    given = list(itertools.pairwise(words))
    headers = dict(value.split(": ", 1) for option, value in given if option == "-H")
    (body,) = (value for option, value in given if option == "-d")
    return httpx.post(words[-1].replace(":8000", f":{port}"), headers=headers, content=body, trust_env=False)


def test_a_request_under_way_is_finished_before_the_end(shell, port):
    here = WithSettings(shell.home, shell.database_url, settings=(("LOCAL_DEV", "true"),))
    with (
        serving(here, port) as process,
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection,
    ):
        body = _begin_update(connection)
        until(lambda: b"under_way 2.0" in _metrics(f"http://127.0.0.1:{port}"), every_s=SELDOM_S)
        process.send_signal(signal.SIGTERM)
        until(lambda: not _alive(port), every_s=SELDOM_S)
        connection.sendall(body)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0


def _begin_update(connection: socket.socket) -> bytes:
    """Sends the beginning of an update, and returns the rest of its body."""
    body = b'{"user_id": "u2"}'
    head = (
        b"POST /analysis/irt/update-theta HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    )
    connection.sendall(head + body[:3])
    return body[3:]


def test_it_fails_its_readiness_first_and_ends_in_its_time_whatever_the_database_does(shell, port):
    """SIGTERM did not end it while PostgreSQL said nothing."""
    url = sa.make_url(shell.database_url)
    with silent_proxy(url.host, url.port) as proxy:
        there = url.set(port=proxy.port).render_as_string(hide_password=False)
        settings = {"LOCAL_DEV": "true", "API_DRAIN_SECS": "2", "API_TIMEOUT_SECS": "4", "DATABASE_URL": there}
        with serving(WithSettings(shell.home, shell.database_url, settings=tuple(settings.items())), port) as process:
            address = f"http://127.0.0.1:{port}"
            assert httpx.get(f"{address}/readyz", trust_env=False).status_code == 200
            proxy.speaks = False
            with ThreadPoolExecutor(16) as pool:
                asked = [pool.submit(httpx.get, f"{address}/users/u{n}/theta", trust_env=False) for n in range(16)]
                until(lambda: b"under_way 17.0" in _metrics(address), every_s=SELDOM_S)
                process.send_signal(signal.SIGTERM)
                until(lambda: _is_leaving(address), every_s=SELDOM_S)
                assert [one.result().status_code for one in asked] == [503] * 16
            process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, "not by force"


def _metrics(address: str) -> bytes:
    return httpx.get(f"{address}/metrics", trust_env=False).content


def _is_leaving(address: str) -> bool:
    answer = httpx.get(f"{address}/readyz", trust_env=False, timeout=10)
    found = answer.json()
    assert answer.status_code == (503 if found["leaving"] else 200)
    return found["leaving"] and answer.headers["connection"] == "close"


def test_workers_share_a_port_and_their_metrics_and_end_together(shell, port):
    here = WithSettings(shell.home, shell.database_url, settings=(("LOCAL_DEV", "true"),))
    with serving(here, port, "--workers", "2") as process:
        address = f"http://127.0.0.1:{port}"
        for _ in range(6):  # each on a connection of its own
            assert httpx.get(f"{address}/users/u1/theta", trust_env=False).status_code == 200
        answered = b'seedtest_api_requests_total{method="GET",route="/users/{user_id}/theta",status="200"} 6.0'
        assert answered in _metrics(address)
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
            body = _begin_update(connection)
            until(lambda: b"under_way 2.0" in _metrics(address), every_s=SELDOM_S)
            process.send_signal(signal.SIGTERM)
            # A new connection hung until the end of all, and was broken off.
            until(lambda: not _listens(port))
            assert process.poll() is None
            connection.sendall(body)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert not _alive(port)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("settings", "arguments", "complaint"),
    [
        ({}, [], "Nothing says whose tokens count: set JWKS_URL, JWT_ISS, JWT_AUD."),
        ({"LOCAL_DEV": "true"}, ["--host", "0.0.0.0"], "can be reached from outside"),  # noqa: S104 - refused
        ({"LOCAL_DEV": "true", "API_TIMEOUT_SECS": "0"}, [], "Setting API_TIMEOUT_SECS='0'"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(shell, port, settings, arguments, complaint):
    said = WithSettings(shell.home, shell.database_url, settings=tuple(settings.items())).run(
        "api", "--port", str(port), *arguments
    )
    assert said.returncode == 1
    assert complaint in said.stderr
    assert "Traceback" not in said.stderr


def test_a_port_in_use_is_one_sentence(shell, port):
    with socket.create_server(("127.0.0.1", port)):
        said = WithSettings(shell.home, shell.database_url, settings=(("LOCAL_DEV", "true"),)).run(
            "api", "--port", str(port)
        )
    assert said.returncode == 1
    assert f"127.0.0.1:{port}" in said.stderr
    assert "Traceback" not in said.stderr


def test_without_a_token_notify_says_how_to_get_one(shell):
    said = shell.run("notify-session-end", "--user", "u2")
    assert (said.returncode, said.stdout) == (1, "")
    assert "SEEDTEST_API_TOKEN" in said.stderr
