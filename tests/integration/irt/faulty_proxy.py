"""An HTTP proxy in front of a real service that spoils chosen answers: for faults that the service has not got."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Answer = tuple[int, bytes]
Fault = Callable[[Answer], Answer | None]  # what becomes of the true answer; None: the connection is cut in half of it


def status(code: int) -> Fault:
    return lambda answer: (code, b"<html>a gateway's own page</html>")


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

    def do_POST(self) -> None:
        self.server.seen += 1
        fault = self.server.faults.pop(0) if self.server.faults else None
        code, content = true = self._from_target()
        spoiled = fault(true) if fault else true
        if spoiled is not None:
            code, content = spoiled
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content if spoiled is not None else content[: len(content) // 2])
        self.close_connection = True

    def _from_target(self) -> Answer:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        connection = http.client.HTTPConnection(self.server.target)
        try:
            connection.request("POST", self.path, sent, dict(self.headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is BaseHTTPRequestHandler's
        """Nothing: the test says what went wrong."""
