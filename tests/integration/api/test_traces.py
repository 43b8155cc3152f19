"""Traces: sent to a collector, of the caller's own trace, with the steps of an update and without a learner's id."""

import builtins
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from resources.errors import OperatorRequired
from seedtest_pipeline.api.tracing import make_tracing
from seedtest_pipeline.settings import Settings
from tests.integration.api.platform import adopt, end_session
from tests.waiting import until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def collector(monkeypatch) -> Iterator[tuple[str, list[Span], list[bytes]]]:
    """An OTLP/HTTP collector: its address, the spans that it got, and what came as bytes."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    spans: list[Span] = []
    bodies: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            bodies.append(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", spans, bodies
        server.shutdown()


def test_an_update_is_a_span_of_its_callers_trace_and_its_steps_lie_below_it(engine, serve, collector):
    url, spans, bodies = collector
    adopt(engine)
    end_session(engine, "secret-learner", "s1", "10")
    api = serve(otel_exporter_otlp_endpoint=url)
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "X-Request-ID": "the-request"}
    api.post("/analysis/irt/update-theta", json={"user_id": "secret-learner"}, headers=headers)
    api.get("/users/secret-learner/theta")
    until(lambda: len(spans) >= 5)
    by_name = {span.name: span for span in spans}
    update = by_name["POST /analysis/irt/update-theta"]
    assert (update.trace_id.hex(), update.parent_span_id.hex()) == (TRACE, "00f067aa0ba902b7")
    told = {pair.key: pair.value.string_value or pair.value.int_value for pair in update.attributes}
    assert told == {
        "http.request.method": "POST", "http.route": "/analysis/irt/update-theta", "http.response.status_code": 200,
        "seedtest.request_id": "the-request",
    }  # fmt: skip
    for step in ("read", "estimate", "store"):
        assert by_name[step].parent_span_id == update.span_id
    assert by_name["GET /users/{user_id}/theta"].trace_id.hex() != TRACE
    assert b"secret-learner" not in b"".join(bodies)


def test_traces_without_the_packages_for_them_are_refused_with_what_to_do(monkeypatch, tmp_path):
    imported = builtins.__import__

    def without_sdk(name: str, *args: object, **kwargs: object) -> object:
        if name.startswith("opentelemetry.exporter"):
            raise ImportError(name)
        return imported(name, *args, **kwargs)  # type: ignore[arg-type]

    settings = Settings.load(seedtest_home=tmp_path, otel_exporter_otlp_endpoint="http://127.0.0.1:1")
    monkeypatch.setattr(builtins, "__import__", without_sdk)
    with pytest.raises(OperatorRequired, match=r"seedtest-pipeline\[otel\]"):
        make_tracing(settings)


def test_a_trace_that_is_not_asked_for_is_none(tmp_path):
    assert not make_tracing(Settings.load(seedtest_home=tmp_path)).on
