"""What Prometheus is told. Labels are route templates and words of ours; those of callers would have no end."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from resources.estimators.contract import Estimator
from resources.model import STANDARD_NORMAL, ItemBank, Prior, Priors, Responses, Thetas

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Of one app, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "seedtest_api_requests", "Requests answered; 401, 403, 429 and 503 are refusals.",
            ["method", "route", "status"], registry=registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "seedtest_api_request_seconds", "How long requests took.", ["route"], buckets=_SECONDS, registry=registry
        )
        self.under_way = Gauge("seedtest_api_requests_under_way", "Requests not answered yet.", registry=registry)
        self.connections = Gauge("seedtest_api_connections", "Connections of callers that are open.", registry=registry)
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
        self.key_fetches = Counter(
            "seedtest_api_key_fetches", "Requests to the identity provider for its keys.", ["outcome"],
            registry=registry,
        )  # fmt: skip

    def fetched(self, brought_keys: bool) -> None:
        self.key_fetches.labels("ok" if brought_keys else "failed").inc()


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
