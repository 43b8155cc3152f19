"""`seedtest api`: the app behind uvicorn, until SIGTERM or Ctrl-C; requests under way are finished."""

import uvicorn

from resources.errors import CallAPerson
from seedtest_pipeline.api.app import create
from seedtest_pipeline.api.gates import make_gate
from seedtest_pipeline.api.log import log_as_json
from seedtest_pipeline.api.metrics import Metrics
from seedtest_pipeline.api.service import make_service
from seedtest_pipeline.settings import Settings

# Longer than a load balancer's usual 60 s: else it would send requests into connections that we are just closing.
_KEEP_ALIVE_S = 75


def serve(settings: Settings, host: str, port: int) -> None:
    """Raises:
    FixTheData: the settings do not say whose tokens count, or open more than this machine.
    CallAPerson: the server could not listen there.
    """
    log_as_json()
    metrics = Metrics()
    gate = make_gate(settings, host, metrics.fetched)
    service = make_service(settings, metrics)
    config = uvicorn.Config(
        create(service, gate),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=round(settings.api_timeout_secs) + 1,
    )
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        raise CallAPerson(f"The API could not listen on {host}:{port}: is the port in use?")
