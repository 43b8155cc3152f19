"""An HTTP proxy in front of a real service that spoils chosen answers: for faults that the service has not got."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP_BY_HOP = {"connection", "content-length", "date", "server", "transfer-encoding"}
Answer = tuple[int, bytes]
Fault = Callable[[Answer], Answer | None]  # what becomes of the true answer; None: the connection is cut in half of it


class Dropped(Exception):  # noqa: N818 - a fault, not an error of the test
    """Raised by a fault: the connection ends without a word."""


def status(code: int, page: bytes = b"<html>a gateway's own page</html>") -> Fault:
    return lambda answer: (code, page)


def dropped(answer: Answer) -> None:
    raise Dropped


class Silent(Exception):  # noqa: N818 - a fault, not an error of the test
    """Raised by a fault: nothing is said until the other side has given up."""


def silent(answer: Answer) -> None:
    raise Silent


def half_a_body(answer: Answer) -> None:
    return None


def body(change: Callable[[bytes], bytes]) -> Fault:
    return lambda answer: (answer[0], change(answer[1]))


class FaultyProxy(ThreadingHTTPServer):
    """Spoils one answer for each entry of `faults`, in turn, and lets the rest through; `seen` counts the requests."""

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(target).netloc
        self.faults: list[Fault] = []
        self.seen = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def faulty_proxy(target: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(target) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.01,)).start()
        try:
            yield proxy
        finally:
            proxy.shutdown()


class _Handler(BaseHTTPRequestHandler):
    server: FaultyProxy
    protocol_version = "HTTP/1.1"  # answers `Expect: 100-continue`, for which boto3 would wait a second

    def answer(self) -> None:
        self.server.seen += 1
        fault = self.server.faults.pop(0) if self.server.faults else None
        true, headers = self._from_target()
        self.close_connection = True
        try:
            spoiled = fault(true) if fault else true
        except Dropped:
            return
        except Silent:
            self.connection.recv(1)  # returns once the other side has closed
            return
        code, content = spoiled or true
        self.send_response(code)
        for name, value in headers.items() if code == true[0] else ():
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content if spoiled is not None else content[: len(content) // 2])

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the names are BaseHTTPRequestHandler's

    def _from_target(self) -> tuple[Answer, dict[str, str]]:
        """What the service answers, and the headers that say what it is."""
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = http.client.HTTPConnection(self.server.target)
        try:
            connection.request(self.command, self.path, sent, dict(self.headers))
            answer = connection.getresponse()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
            return (answer.status, answer.read()), headers
        finally:
            connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is BaseHTTPRequestHandler's
        """Nothing: the test says what went wrong."""
