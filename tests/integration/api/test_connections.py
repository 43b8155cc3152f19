"""What is refused before there is a request: heads and trailers without end, silence, more sockets than there is room
for; on the server as it is, in front of an app that answers at once."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import pytest

from seedtest_pipeline.api import connections
from seedtest_pipeline.api.connections import HEAD_BYTES, REQUEST_BYTES, Connections
from seedtest_pipeline.api.metrics import Metrics
from seedtest_pipeline.api.server import configured
from tests.integration.api.serving import listening
from tests.waiting import PATIENCE_S, until

PATIENCE_HERE_S = 1.0
HEAD = b"GET /%s HTTP/1.1\r\nHost: x\r\n"
WHOLE = HEAD % b"" + b"\r\n"
LARGE = 64 * 1024 * 1024


async def app(scope, receive, send) -> None:
    """Says ok without reading the body; at /large 64 MB, at /client from which address it is asked, at /echo what was
    sent: headers' names and the body."""
    if scope["type"] == "lifespan":
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})
        return
    said = b""
    while scope["path"] == "/echo" and (message := await receive())["type"] == "http.request":
        said += message["body"]
        if not message["more_body"]:
            said = b" ".join(name for name, _ in scope["headers"]) + b"|" + said
            break
    body = {"/echo": said, "/large": b"." * LARGE, "/client": scope["client"][0].encode()}.get(scope["path"], b"ok")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


class Here:
    def __init__(self, url: str, metrics: Metrics) -> None:
        self._address, self._metrics = (urlsplit(url).hostname, urlsplit(url).port), metrics
        self._family = socket.AF_INET6 if "[" in url else socket.AF_INET

    @contextmanager
    def connect(self, *, receive_buffer: int | None = None) -> Iterator[socket.socket]:
        with socket.socket(self._family) as one:
            if receive_buffer:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            one.settimeout(PATIENCE_S)
            one.connect(self._address)
            yield one

    def answers(self) -> bool:
        with self.connect() as one:
            one.sendall(WHOLE)
            return one.recv(100).startswith(b"HTTP/1.1 200")

    def cut(self, why: str) -> float:
        return self._metrics.registry.get_sample_value("seedtest_api_connections_cut_total", {"reason": why}) or 0

    def is_open(self) -> float | None:
        return self._metrics.registry.get_sample_value("seedtest_api_connections")


@pytest.fixture(scope="module")
def here() -> Iterator[Here]:
    metrics = Metrics()
    bounds = Connections(metrics, most=20, patience_s=PATIENCE_HERE_S)
    with listening(configured(app, bounds, grace_s=1)) as url:
        yield Here(url, metrics)


@pytest.mark.parametrize(("trusted", "client"), [("127.0.0.1", b"10.1.2.3"), ("127.0.0.2", b"127.0.0.1")])
def test_only_a_trusted_proxy_is_believed_when_it_says_who_asks(trusted, client):
    metrics = Metrics()
    with (
        listening(configured(app, Connections(metrics), grace_s=1, trusted_proxies=trusted)) as url,
        Here(url, metrics).connect() as one,
    ):
        one.sendall(HEAD % b"client" + b"X-Forwarded-For: 10.1.2.3\r\n\r\n")
        assert said_until(one, client)


def test_it_listens_by_ipv6_too():
    metrics = Metrics()
    with listening(configured(app, Connections(metrics), grace_s=1), "::1") as url:
        assert Here(url, metrics).answers()


def said_until(one: socket.socket, end: bytes) -> bool:
    """Whether this is said; head and body may come one after the other."""
    said = b""
    while part := one.recv(1000):
        said += part
        if said.endswith(end):
            return True
    return False


def all_of(one: socket.socket) -> bytes:
    """What is said until the connection ends, by a word or by force."""
    said = b""
    try:
        while part := one.recv(65536):
            said += part
    except ConnectionError:
        pass
    return said


def pushed(one: socket.socket, piece: bytes) -> tuple[int, bytes]:
    """How many bytes were taken until the end, at most 40 MB, and what was said."""
    sent = 0
    try:
        while sent < 40_000_000:
            sent += one.send(piece)
    except ConnectionError:
        pass
    return sent, all_of(one)


MANY = b"".join(b"x-%d: y\r\n" % n for n in range(500))


@pytest.mark.parametrize(
    ("head", "piece"),
    [(HEAD % b"", MANY), (HEAD % b"" + b"x: ", b"x" * 8192), (b"GET /", b"x" * 8192), (b"", b"x" * 8192)],
    ids=["headers", "a header", "a path", "a method"],
)
def test_a_head_without_end_is_cut_where_36_mb_of_it_took_690_mb_of_memory(here, head, piece):
    with here.connect() as one:
        one.sendall(head)
        sent, _ = pushed(one, piece)
    assert sent < 20 * 1024 * 1024, "as much as sockets hold, and not all of it"
    assert here.answers()


def test_a_head_of_the_largest_size_is_taken_and_a_byte_more_is_431_even_in_one_piece(here):
    filler = b"x: " + b"y" * (HEAD_BYTES - len(WHOLE) - len(b"x: \r\n")) + b"\r\n"
    with here.connect() as one:
        one.sendall(HEAD % b"" + filler + b"\r\n")
        assert one.recv(100).startswith(b"HTTP/1.1 200 ")
    before = here.cut("head too large")
    with here.connect() as one:
        one.sendall(HEAD % b"" + b"x" + filler + b"\r\n")
        assert all_of(one).startswith(b"HTTP/1.1 431 ")
    assert here.cut("head too large") == before + 1


def test_trailers_without_end_are_cut(here):
    with here.connect() as one:
        one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        sent, _ = pushed(one, MANY)
    assert REQUEST_BYTES < sent < 20 * 1024 * 1024
    assert here.cut("request too large") == 1


def trickled(one: socket.socket, piece: bytes) -> bytes:
    """What is said until the end, while a piece is sent now and then."""
    one.settimeout(0.05)
    said, deadline = b"", time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            one.sendall(piece)
            part = one.recv(100)
        except TimeoutError:
            continue
        except ConnectionError:
            return said
        if part == b"":
            return said
        said += part
    pytest.fail("the connection stays open")


def test_a_head_that_comes_byte_by_byte_is_408_in_time(here):
    with here.connect() as one:
        one.sendall(HEAD % b"")
        assert trickled(one, b"x").startswith(b"HTTP/1.1 408 ")


def test_silence_before_the_first_request_ends_the_connection_and_between_requests_it_does_not(here):
    with here.connect() as silent, here.connect() as kept:
        kept.sendall(WHOLE)
        assert said_until(kept, b"ok")
        assert all_of(silent) == b""
        kept.sendall(WHOLE)
        assert said_until(kept, b"ok")


def test_line_breaks_between_requests_keep_no_connection(here):
    """They are no request, and each stopped the clock of the silence between requests."""
    with here.connect() as one:
        one.sendall(WHOLE)
        assert said_until(one, b"ok")
        trickled(one, b"\r\n")


def test_a_body_that_stays_away_after_its_answer_ends_the_connection(here):
    with here.connect() as one:
        one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        assert all_of(one).endswith(b"ok")


def test_who_does_not_read_the_last_answer_is_let_go(here):
    before = here.cut("too slow")
    with here.connect(receive_buffer=4096) as one:
        one.sendall(HEAD % b"large" + b"Connection: close\r\n\r\n")
        until(lambda: here.cut("too slow") > before)
        until(lambda: here.is_open() == 0)


def test_a_thousand_silent_sockets_leave_room_and_who_was_answered_before_is_not_the_first_to_go(here):
    with ExitStack() as crowd:
        kept = crowd.enter_context(here.connect())
        kept.sendall(WHOLE)
        assert said_until(kept, b"ok")
        for _ in range(200):
            crowd.enter_context(here.connect())
        assert here.answers()
        kept.sendall(WHOLE)
        assert said_until(kept, b"ok")
    assert here.cut("made room") > 100


def test_where_all_were_answered_the_one_that_is_silent_for_longest_makes_room(here):
    until(lambda: here.is_open() == 0)
    with ExitStack() as crowd:
        kept = []
        for _ in range(20):
            kept.append(crowd.enter_context(here.connect()))
            kept[-1].sendall(WHOLE)
            assert said_until(kept[-1], b"ok")
        kept[0].sendall(WHOLE)
        assert said_until(kept[0], b"ok")
        before = here.cut("made room")
        assert here.answers()
        assert here.cut("made room") == before + 1
        kept[0].sendall(WHOLE)
        assert said_until(kept[0], b"ok")
        assert all_of(kept[1]) == b""


def test_once_the_end_is_near_an_open_connection_gets_its_answer_and_ends():
    metrics = Metrics()
    bounds = Connections(metrics)
    with listening(configured(app, bounds, grace_s=1)) as url, Here(url, metrics).connect() as kept:
        kept.sendall(WHOLE)
        assert said_until(kept, b"ok")
        bounds.leaving = True
        kept.sendall(WHOLE)
        said = kept.recv(1000)
        assert b"\r\nconnection: close\r\n" in said
        assert (said + all_of(kept)).endswith(b"ok")


def test_several_requests_in_one_piece_are_each_answered(here):
    with here.connect() as one:
        one.sendall(WHOLE * 3)
        said = b""
        while len(re.findall(b"ok", said)) < 3:
            said += one.recv(1000)


def test_requests_that_nobody_waits_for_are_cut_where_11_mb_of_them_took_480_mb_of_memory(here):
    with here.connect() as one:
        sent, _ = pushed(one, WHOLE * 1000)
    assert sent < 20 * 1024 * 1024, "as much as sockets hold, and not all of it"
    assert here.cut("too many requests") == 1


def test_who_reads_no_answer_is_let_go_though_others_wait_behind_it_where_one_such_stayed_for_ever(here):
    until(lambda: here.is_open() == 0)
    before = here.cut("too slow")
    with here.connect(receive_buffer=4096) as one:
        one.sendall((HEAD % b"large" + b"\r\n") * 3)
        until(lambda: here.cut("too slow") == before + 1)
        until(lambda: here.is_open() == 0)


def test_who_reads_no_answer_makes_room_where_70_such_kept_probes_out():
    metrics = Metrics()
    bounds = Connections(metrics, most=2, patience_s=10 * PATIENCE_S)
    with listening(configured(app, bounds, grace_s=1)) as url, ExitStack() as crowd:
        here = Here(url, metrics)
        for _ in range(2):
            one = crowd.enter_context(here.connect(receive_buffer=4096))
            one.sendall((HEAD % b"large" + b"\r\n") * 2)
            assert one.recv(10)
        assert here.answers()
        assert here.cut("made room") == 1


def test_who_reads_slowly_is_let_read_on(here):
    """A phone on a bad line is not one that reads nothing."""
    before = here.cut("too slow")
    with here.connect(receive_buffer=4096) as one:
        one.sendall(HEAD % b"large" + b"\r\n")
        deadline = time.monotonic() + 2.5 * PATIENCE_HERE_S
        while time.monotonic() < deadline:
            one.recv(4096)
            time.sleep(0.002)
        assert here.cut("too slow") == before


ECHO = b"POST /echo HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("head", "names"),
    [
        (b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA", b"connection http2-settings"),
        (b"UPGRADE:h2c\r\nConnection: upgrade", b"connection"),
        (b"X-Upgrade: h2c", b"x-upgrade"),
    ],
)
def test_an_offer_of_http_2_is_passed_over_where_the_body_of_javas_client_was_lost(here, head, names):
    with here.connect() as one:
        one.sendall(ECHO + b"Content-Length: 12\r\n" + head + b"\r\n\r\n\r\nupgrade: x")
        assert said_until(one, b"host content-length " + names + b"|\r\nupgrade: x")
        one.sendall(WHOLE)
        assert said_until(one, b"ok"), "the connection stays open"


def test_a_trailer_is_no_header(here):
    """A trusted proxy's caller chose its own address by one, and a token in one was believed."""
    chunked = ECHO + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Forwarded-For: 10.1.2.3\r\n\r\n"
    with here.connect() as one:
        one.sendall(chunked + WHOLE)
        assert said_until(one, b"ok")
    with here.connect() as one:
        one.sendall(chunked)
        assert said_until(one, b"host transfer-encoding|hi")


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_websocket_handshake_is_a_request_like_any_other_and_nothing_of_it_is_logged(here, caplog, pieces):
    """Its path was logged, with the learner's id in it."""
    handshake = (
        HEAD % b"users/secret-name/theta" + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with here.connect() as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(handshake), step := len(handshake) // pieces + 1):
            one.sendall(handshake[start : start + step])
            time.sleep(0.01)
        assert said_until(one, b"ok")
    assert caplog.text == ""


@pytest.mark.parametrize(("files", "most"), [(1024, 768), (256, 64), (1_048_576, 1_000), (-1, 1_000)])
def test_room_is_what_the_process_may_open_but_for_what_else_it_needs(monkeypatch, files, most):
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: (files, files))
    assert connections.most_connections() == most


@pytest.mark.parametrize(
    "said",
    [
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://example.com/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET \xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET // HTTP/9.9\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_an_odd_request_is_answered_or_refused_and_breaks_nothing(here, caplog, said):
    with here.connect() as one:
        one.sendall(said)
        one.shutdown(socket.SHUT_WR)
        assert all_of(one)[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 400", b"HTTP/1.1 408")
    assert here.answers()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
