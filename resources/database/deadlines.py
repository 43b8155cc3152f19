"""Connections whose server does not answer are cut from outside, so that whoever waits for them fails and goes on.

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
from psycopg.pq import TransactionStatus

Connection = psycopg.Connection[Any]


class Deadlines:
    """Of the connections of one engine's pool: `cut` ends those that wait for longer than asked. Thread-safe."""

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
        """How many waited for their server for so long, as one sees who looks now and then. Who uses one gets the error
        of a connection that broke."""
        now, n = time.monotonic(), 0
        with self._lock:
            for connection, since in list(self._since.items()):
                if connection.pgconn.transaction_status != TransactionStatus.ACTIVE:
                    self._since[connection] = now  # its user does something else, such as an estimate
                elif since <= now - longer_than_s:
                    self._shut(connection)
                    n += 1
        return n

    def close(self) -> None:
        """Cut what is in use, and from now on whatever comes into use."""
        with self._lock:
            self._closed = True
            for connection in list(self._since):
                self._shut(connection)

    def _begin(self, connection: Connection | None, *_: object) -> None:
        if connection is not None:
            with self._lock:
                self._since[connection] = time.monotonic()
                if self._closed:
                    self._shut(connection)

    def _end(self, connection: Connection | None, *_: object) -> None:
        if connection is not None:
            with self._lock:
                self._since.pop(connection, None)

    def _shut(self, connection: Connection) -> None:
        del self._since[connection]
        _shut(connection)


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
