"""Connections that are in use for too long are cut from outside, so that whoever waits for them fails and goes on.

A server that hangs still acknowledges what it is sent, and one that vanished says nothing: neither its own
`statement_timeout` nor the driver's ends the wait. Stays out: when to look, and what is too long.
"""

import os
import socket
import threading
import time
import weakref
from typing import Any

import psycopg
import sqlalchemy as sa

Connection = psycopg.Connection[Any]


class Deadlines:
    """Of the connections of one engine's pool: `cut` ends those that are in use for longer than asked. Thread-safe."""

    def __init__(self, engine: sa.Engine) -> None:
        self._since: weakref.WeakKeyDictionary[Connection, float] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()
        self._closed = False
        # Before all others: what is asked of a new connection may hang, too.
        sa.event.listen(engine, "connect", self._begin, insert=True)
        sa.event.listen(engine, "checkout", self._begin)
        for end in ("checkin", "close", "close_detached", "invalidate"):
            sa.event.listen(engine, end, self._end)

    def cut(self, longer_than_s: float) -> int:
        """How many were in use for so long. Who uses one gets the error of a connection that broke."""
        before = time.monotonic() - longer_than_s
        with self._lock:
            overdue = [connection for connection, since in self._since.items() if since <= before]
            for connection in overdue:
                del self._since[connection]
                _shut(connection)
        return len(overdue)

    def close(self) -> None:
        """Cut what is in use, and from now on whatever comes into use."""
        self._closed = True
        self.cut(0)

    def _begin(self, connection: Connection | None, *_: object) -> None:
        if connection is not None:
            with self._lock:
                self._since[connection] = time.monotonic()
            if self._closed:
                self.cut(0)

    def _end(self, connection: Connection | None, *_: object) -> None:
        if connection is not None:
            with self._lock:
                self._since.pop(connection, None)


def _shut(connection: Connection) -> None:
    try:
        ours = os.dup(connection.pgconn.socket)
    except (psycopg.Error, OSError):
        return  # it is closed
    with socket.socket(fileno=ours) as socket_:
        try:
            # The driver may have closed it just before, and another file have its number by then.
            if connection.pgconn.socket:
                socket_.shutdown(socket.SHUT_RDWR)
        except (psycopg.Error, OSError):
            return
