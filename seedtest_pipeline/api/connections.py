"""What a connection may take before there is a request: bytes, seconds, and room among the others.

uvicorn's protocol bounds none of them, so that one socket without a token filled the memory, and a thousand silent ones
left no file descriptor for a probe. Stays out: what a request may take (`middleware.limits`).
"""

import asyncio
import re
import resource
import time
from typing import ClassVar, Literal

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from seedtest_pipeline.api.metrics import Metrics

# A token has 8 kB at most, and a path 6 kB.
HEAD_BYTES = 16 * 1024
# Of a whole request, as it comes in, more than a head and a body may have: beyond are only trailers, chunks' extensions
# and chunks of a byte, without end.
REQUEST_BYTES = 1024 * 1024
# Requests that came before the one ahead of them was answered: each takes memory, and clients send one at a time.
MOST_WAITING = 16
# Until a head is there; also for the rest of a body whose answer was given already, and for the client to read more of
# its answer.
PATIENCE_S = 10.0
# For the database's connections, the R service's, logs and libraries; and for what comes in one turn of the loop, which
# is counted only afterwards.
_FILES_FOR_OTHERS = 256
# Each may take 60 kB, with a head of the largest size in small headers; and far fewer are at work.
_MOST = 1_000
BACKLOG = 128

Cut = Literal["head too large", "request too large", "too many requests", "too slow", "made room", "no room"]
_STATUS: dict[Cut, bytes] = {
    "head too large": b"431 Request Header Fields Too Large",
    "too slow": b"408 Request Timeout",
    "no room": b"503 Service Unavailable\r\nRetry-After: 5",
}
# To offer another protocol asks for nothing, but the parser would read no body after it: Java's client offers HTTP/2.
_OFFER = re.compile(rb"\r\nupgrade:[^\r\n]*(?=\r\n[^ \t])", re.IGNORECASE)


def most_connections() -> int:
    """As many as the process may have files open, but for those that something else needs."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _MOST if soft == resource.RLIM_INFINITY else soft - _FILES_FOR_OTHERS
    return max(64, min(_MOST, files))


class Connections:
    """Those of one server, and which of them wait for their client, to say or to read something, the longest wait
    first."""

    def __init__(self, metrics: Metrics, *, most: int | None = None, patience_s: float = PATIENCE_S) -> None:
        self.leaving = False  # the server is about to end: no connection stays open for another request
        self._metrics = metrics
        self._most = most_connections() if most is None else most
        self._patience_s = patience_s
        # Insertion keeps each in the order of time.
        self._unfinished: dict[BoundedHttp, float] = {}  # a request is not whole; since when
        self._idle: dict[BoundedHttp, None] = {}  # between two requests
        self._unread: dict[BoundedHttp, tuple[float, int]] = {}  # since when so many bytes of its answer were left
        self._sweeping = False

    def admit(self, one: "BoundedHttp") -> None:
        """Where too many are open, that which has kept us waiting longest is closed, those that were answered before
        last of all. Where none waits, it is the new one."""
        self._metrics.connections.inc()
        if len(one.connections) > self._most:
            longest = next((one for waits in (self._unfinished, self._unread, self._idle) for one in waits), one)
            longest.cut("no room" if longest is one else "made room")
        if not one.transport.is_closing():
            self.unfinished(one)
        if not self._sweeping:
            self._sweeping = True
            one.loop.call_later(self._patience_s / 10, self._sweep, one.loop, one.server_state)

    def unfinished(self, one: "BoundedHttp") -> None:
        self._idle.pop(one, None)
        self._unfinished.setdefault(one, time.monotonic())

    def idle(self, one: "BoundedHttp") -> None:
        self._unfinished.pop(one, None)
        self._idle[one] = None

    def at_work(self, one: "BoundedHttp") -> None:
        self._unfinished.pop(one, None)
        self._idle.pop(one, None)

    def unread(self, one: "BoundedHttp") -> None:
        self.read(one)
        self._unread[one] = time.monotonic(), one.transport.get_write_buffer_size()

    def read(self, one: "BoundedHttp") -> None:
        self._unread.pop(one, None)

    def forget(self, one: "BoundedHttp") -> None:
        self.at_work(one)
        self.read(one)

    def lost(self, one: "BoundedHttp") -> None:
        self.forget(one)
        self._metrics.connections.dec()

    def count(self, why: Cut) -> None:
        self._metrics.connections_cut.labels(why).inc()

    def _sweep(self, loop: asyncio.AbstractEventLoop, state: ServerState) -> None:
        before = time.monotonic() - self._patience_s
        for one in [one for one, since in self._unfinished.items() if since < before]:
            one.cut("too slow")
        for one, (since, left) in [*self._unread.items()]:
            if one.transport.get_write_buffer_size() < left:
                self.unread(one)
            elif since < before:
                one.cut("too slow")
        for open_one in state.connections:
            if isinstance(open_one, BoundedHttp) and open_one.transport.is_closing():  # but for an answer to be read
                self.unfinished(open_one)
        self._sweeping = bool(state.connections)
        if self._sweeping:
            loop.call_later(self._patience_s / 10, self._sweep, loop, state)


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol over httptools, within `bounds`."""

    bounds: ClassVar[Connections]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._next_request()
        self.bounds.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.bounds.lost(self)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self.bounds.unfinished(self)
        while data and not self.transport.is_closing():
            room = (HEAD_BYTES if self._in_head else REQUEST_BYTES) - self._taken
            if room <= 0:
                self.cut("head too large" if self._in_head else "request too large")
                return
            part, data = data[:room], data[room:]
            at_its_beginning = not self._taken
            self._taken += len(part)
            super().data_received(_without_offer(part) if at_its_beginning else part)

    def on_message_begin(self) -> None:
        self._begun = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # a trailer is no header: a proxy takes away what callers say in those, and not in trailers
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self.transport.is_closing():  # the rest of what came at once
            return
        if len(self.pipeline) >= MOST_WAITING:
            self.cut("too many requests")
            return
        self.bounds.at_work(self)
        super().on_headers_complete()
        if self.bounds.leaving:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._next_request()
        if self.cycle.response_complete:
            self.bounds.idle(self)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._begun:  # the rest of a body whose answer was given already, or the next head
            self.bounds.unfinished(self)
        elif self.cycle.response_complete:
            self.bounds.idle(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.bounds.unread(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        self.bounds.read(self)

    def timeout_keep_alive_handler(self) -> None:
        self.transport.abort()  # to close it would wait until the client has read everything

    def cut(self, why: Cut) -> None:
        """End the connection; with a status, where the client waits for one and for nothing else."""
        self.bounds.count(why)
        self.bounds.forget(self)
        status = _STATUS.get(why)
        answering = self.cycle is not None and not self.cycle.response_complete
        silent = why == "too slow" and not (self._in_head and self._taken)
        if status is None or silent or answering or self.transport.is_closing():
            self.transport.abort()
            return
        self.transport.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self.transport.close()

    def _next_request(self) -> None:
        self._begun, self._in_head, self._taken = False, True, 0

    def _unsupported_upgrade_warning(self) -> None:
        self.cycle.keep_alive = False  # the parser reads nothing after it; it is answered as any other request


def _without_offer(part: bytes) -> bytes:
    """A request's beginning; where its head is in there as a whole, without the offer of another protocol."""
    end = part.find(b"\r\n\r\n")
    return part if end < 0 else _OFFER.sub(b"", part[: end + 4]) + part[end + 4 :]


def bounded(bounds: Connections) -> type[BoundedHttp]:
    """The protocol for one server."""
    return type("BoundedHttp", (BoundedHttp,), {"bounds": bounds})
