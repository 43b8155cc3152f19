"""A TCP proxy in front of a real server that falls silent: nothing is let through and nothing is closed, as with a host
that vanished, a network that drops, or a server that hangs."""

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class SilentProxy:
    """Lets everything through while `speaks`."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._door = socket.create_server(("127.0.0.1", 0))
        self._other_end: dict[socket.socket, socket.socket] = {}
        self.port = self._door.getsockname()[1]
        self.speaks = True
        self.ends = False

    def serve(self) -> None:
        with selectors.DefaultSelector() as ready, self._door:
            ready.register(self._door, selectors.EVENT_READ)
            while not self.ends:
                for key, _ in ready.select(0.01) if self.speaks else ():
                    one = key.fileobj
                    assert isinstance(one, socket.socket)
                    if one is self._door:
                        for end in self._accept():
                            ready.register(end, selectors.EVENT_READ)
                    elif one in self._other_end and not self._pass_on(one):
                        for end in (one, self._other_end.pop(one)):
                            self._other_end.pop(end, None)
                            ready.unregister(end)
                            end.close()
            for end in self._other_end:
                end.close()

    def _accept(self) -> tuple[socket.socket, ...]:
        """The two ends of a new way; none where the server is not there."""
        here, _ = self._door.accept()
        try:
            there = socket.create_connection(self._target)
        except OSError:
            here.close()
            return ()
        self._other_end |= {here: there, there: here}
        return here, there

    def _pass_on(self, one: socket.socket) -> bool:
        """False once either end is gone."""
        try:
            data = one.recv(65536)
            self._other_end[one].sendall(data)
        except OSError:
            return False
        return bool(data)


@contextmanager
def silent_proxy(host: str, port: int) -> Iterator[SilentProxy]:
    proxy = SilentProxy(host, port)
    thread = threading.Thread(target=proxy.serve)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.ends = True
        thread.join()
