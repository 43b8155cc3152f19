"""OpenTelemetry traces: a span per request, below it those of its read, estimate and store; off unless
OTEL_EXPORTER_OTLP_ENDPOINT says where they go.

Spans name routes, counts and words of ours, never a learner. FastAPI's own tracing stays off: it tells paths, and ours
hold ids.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry.trace import NoOpTracer, Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import Scope

from resources.errors import OperatorRequired
from seedtest_pipeline.settings import Settings

_W3C = TraceContextTextMapPropagator()
_CARRIED = (b"traceparent", b"tracestate")


@dataclass(frozen=True)
class Tracing:
    """`tracer` makes spans that are recorded, if `on`; `close` sends what is left."""

    tracer: Tracer
    on: bool
    close: Callable[[], None]

    @contextmanager
    def request(self, scope: Scope) -> Iterator[Span | None]:
        """Around a request's work; the caller's own trace goes on in it. None where traces are off."""
        if not self.on:
            yield None
            return
        carried = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _CARRIED}
        parent = _W3C.extract(carried)
        # Exceptions quote what they are about.
        with self.tracer.start_as_current_span(
            scope["method"], parent, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:
            yield span


def ended(span: Span, method: str, route: str | None, status: int | None, request_id: str) -> None:
    """What is known of the request at its end."""
    if route is not None:
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)
    span.set_attribute("http.request.method", method)
    span.set_attribute("seedtest.request_id", request_id)
    if status is not None:
        span.set_attribute("http.response.status_code", status)
    if status is None or status >= 500:
        span.set_status(StatusCode.ERROR)


def make_tracing(settings: Settings) -> Tracing:
    """Raises:
    OperatorRequired: traces are asked for, and the packages that send them are not installed.
    """
    endpoint = settings.otel_exporter_otlp_endpoint
    if endpoint is None:
        return Tracing(NoOpTracer(), on=False, close=lambda: None)
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise OperatorRequired(
            "OTEL_EXPORTER_OTLP_ENDPOINT asks for traces, and OpenTelemetry's SDK is not installed",
            remedy="install the extra otel, pip install 'seedtest-pipeline[otel]', or unset it.",
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": "seedtest-api"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
    return Tracing(provider.get_tracer("seedtest"), on=True, close=provider.shutdown)
