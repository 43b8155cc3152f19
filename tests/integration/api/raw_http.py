"""The server as it is, in front of an app that answers at once, and sockets that say what they like."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from seedtest_pipeline.api.connections import Connections
from seedtest_pipeline.api.metrics import Metrics
from seedtest_pipeline.api.server import configured
from tests.integration.api.serving import listening
from tests.waiting import PATIENCE_S

PATIENCE_HERE_S = 1.0
HEAD = b"GET /%s HTTP/1.1\r\nHost: x\r\n"
WHOLE = HEAD % b"" + b"\r\n"
LARGE = 64 * 1024 * 1024


async def app(scope: Any, receive: Any, send: Any) -> None:
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


@contextmanager
def patient_for_a_second() -> Iterator[Here]:
    metrics = Metrics()
    bounds = Connections(metrics, most=20, patience_s=PATIENCE_HERE_S)
    with listening(configured(app, bounds, grace_s=1)) as url:
        yield Here(url, metrics)


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
