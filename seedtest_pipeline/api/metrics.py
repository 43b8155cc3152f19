"""What Prometheus is told. Labels are route templates and words of ours; those of callers would have no end."""

import time

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from resources.estimators.contract import Estimator
from resources.model import STANDARD_NORMAL, ItemBank, Prior, Priors, Responses, Thetas

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Of one app, in a registry of its own; with a `folder`, of all the processes that write there (`workers`)."""

    def __init__(self, folder: str | None = None) -> None:
        self.registry = registry = CollectorRegistry()
        self._folder = folder
        self.requests = Counter(
            "seedtest_api_requests", "Requests answered; 401, 403, 429 and 503 are refusals.",
            ["method", "route", "status"], registry=registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "seedtest_api_request_seconds", "How long requests took.", ["route"], buckets=_SECONDS, registry=registry
        )
        self.under_way = Gauge(
            "seedtest_api_requests_under_way", "Requests not answered yet.", registry=registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self.connections = Gauge(
            "seedtest_api_connections", "Connections of callers that are open.", registry=registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self.connections_cut = Counter(
            "seedtest_api_connections_cut", "Connections that were ended before a request was whole.", ["reason"],
            registry=registry,
        )  # fmt: skip
        self.estimates = Histogram(
            "seedtest_api_estimate_seconds", "How long the estimator took, or failed to answer.", ["outcome"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.noops = Counter(
            "seedtest_api_noops", "Updates without anything to estimate from.", ["reason"], registry=registry
        )
        self.together = Histogram(
            "seedtest_api_updates_together", "Updates that were read, estimated and stored at once.",
            buckets=(1, 2, 4, 8, 16, 32, 64), registry=registry,
        )  # fmt: skip
        self.failed = Counter("seedtest_api_failed_updates", "Updates of a batch that failed alone.", registry=registry)
        self.key_fetches = Counter(
            "seedtest_api_key_fetches", "Requests to the identity provider for its keys.", ["outcome"],
            registry=registry,
        )  # fmt: skip

        self._keys_at = Gauge(
            "seedtest_api_keys_fetched_timestamp_seconds", "When the provider's keys were fetched last.",
            registry=registry, multiprocess_mode="livemin",
        )  # fmt: skip
        self._database = Gauge(
            "seedtest_api_database_connections", "Connections to the database: open, and of these in use.", ["state"],
            registry=registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self.newest_week = Gauge(
            "seedtest_reports_newest_week_timestamp_seconds",
            "When the newest week began of which reports are made; 0: none is, or it is not known yet.",
            registry=registry, multiprocess_mode="mostrecent",
        )  # fmt: skip
        self.outdated_keys = Gauge(
            "seedtest_reports_outdated_user_keys", "Weeks of user keys whose reports tell a history that has changed.",
            registry=registry, multiprocess_mode="mostrecent",
        )  # fmt: skip

    def fetched(self, brought_keys: bool) -> None:
        self.key_fetches.labels("ok" if brought_keys else "failed").inc()
        if brought_keys:
            self._keys_at.set_to_current_time()

    def watch(self, engine: sa.Engine) -> None:
        """Count this engine's connections."""
        open_ones, in_use = self._database.labels("open"), self._database.labels("in use")
        sa.event.listen(engine, "connect", lambda *_: open_ones.inc())
        for end in ("close", "close_detached"):
            sa.event.listen(engine, end, lambda *_: open_ones.dec())
        sa.event.listen(engine, "checkout", lambda *_: in_use.inc())
        sa.event.listen(engine, "checkin", lambda *_: in_use.dec())

    def exposition(self) -> bytes:
        """In Prometheus's format."""
        if self._folder is None:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, self._folder)  # type: ignore[no-untyped-call]  # it has no types
        return generate_latest(together)


class TimedEstimator:
    """An estimator whose times are told to `metrics`."""

    def __init__(self, estimator: Estimator, metrics: Metrics) -> None:
        self._estimator = estimator
        self._done = metrics.estimates.labels("ok")
        self._failed = metrics.estimates.labels("failed")

    @property
    def name(self) -> str:
        return self._estimator.name

    def estimate(
        self,
        responses: Responses,
        bank: ItemBank,
        prior: Prior | Priors = STANDARD_NORMAL,
        *,
        request_id: str | None = None,
    ) -> Thetas:
        begun = time.perf_counter()
        took = self._failed
        try:
            estimates = self._estimator.estimate(responses, bank, prior, request_id=request_id)
            took = self._done
        finally:
            took.observe(time.perf_counter() - begun)
        return estimates

    def check(self) -> str:
        return self._estimator.check()
