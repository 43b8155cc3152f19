"""The server of `provider`: `python provider_process.py [PORT]` prints its port, and answers as it is told.

PUT / with a JSON object sets the answer: `status`, `headers`, `body` (base64), `drip_s` (pause after each byte).
GET /fetches counts the requests for anything else.
"""

import base64
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

answer: dict[str, Any] = {"status": 503, "headers": {}, "body": "", "drip_s": 0.0}
fetches = 0


class Handler(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        answer.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._send(204, {}, b"", 0.0)

    def do_GET(self) -> None:
        global fetches
        if self.path == "/fetches":
            self._send(200, {}, str(fetches).encode(), 0.0)
            return
        fetches += 1
        self._send(answer["status"], answer["headers"], base64.b64decode(answer["body"]), answer["drip_s"])

    def _send(self, status: int, headers: dict[str, str], body: bytes, drip_s: float) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        for begin in range(0, len(body), 1 if drip_s else max(len(body), 1)):
            self.wfile.write(body[begin : begin + 1] if drip_s else body)
            self.wfile.flush()
            time.sleep(drip_s)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is BaseHTTPRequestHandler's
        """Nothing: the test says what went wrong."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Who hangs up in the middle is expected here."""


server = Server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
