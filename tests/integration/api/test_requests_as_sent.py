"""What a request means, however it is sent: through a proxy, in a row, with offers and trailers, and oddly."""

import re
import socket
import time

import pytest

from seedtest_pipeline.api.connections import Connections
from seedtest_pipeline.api.metrics import Metrics
from seedtest_pipeline.api.server import configured
from tests.integration.api.raw_http import HEAD, WHOLE, Here, all_of, app, said_until
from tests.integration.api.serving import listening


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


def test_several_requests_in_one_piece_are_each_answered(here):
    with here.connect() as one:
        one.sendall(WHOLE * 3)
        said = b""
        while len(re.findall(b"ok", said)) < 3:
            said += one.recv(1000)


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
