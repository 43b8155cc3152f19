"""The app as `seedtest api` serves it, on loopback, in a thread of this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import uvicorn

from resources.estimators.contract import Estimator
from seedtest_pipeline.api.app import create
from seedtest_pipeline.api.auth.authenticators import make_authenticator
from seedtest_pipeline.api.auth.caller import Authenticator
from seedtest_pipeline.api.connections import Connections
from seedtest_pipeline.api.grouped_updates import GroupedUpdates
from seedtest_pipeline.api.metrics import Metrics
from seedtest_pipeline.api.server import configured, in_url, listen
from seedtest_pipeline.api.service import make_service
from seedtest_pipeline.settings import Settings


@contextmanager
def serving(
    settings: Settings, authenticator: Authenticator | None = None, estimator: Estimator | None = None
) -> Iterator[str]:
    """Its base URL."""
    metrics = Metrics()
    service = make_service(settings, metrics)
    if estimator:
        updater = replace(service.updater, estimator=estimator)
        service = replace(service, updater=updater, grouped_updates=GroupedUpdates(updater, metrics))
    app = create(service, authenticator or make_authenticator(settings, "127.0.0.1", metrics.fetched))
    with listening(configured(app, Connections(metrics), grace_s=5)) as url:
        yield url


@contextmanager
def listening(config: uvicorn.Config, host: str = "127.0.0.1") -> Iterator[str]:
    server = uvicorn.Server(config)
    with listen(host, 0) as door:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            while not server.started:
                thread.join(0.01)
                assert thread.is_alive(), "the server ended as it started"
            yield f"http://{in_url(host)}:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
