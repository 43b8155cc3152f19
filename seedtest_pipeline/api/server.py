"""`seedtest api`: the app behind uvicorn, until SIGTERM or Ctrl-C; requests under way are finished."""

import gc
import math
import socket

import uvicorn
from starlette.types import ASGIApp

from resources.errors import OperatorRequired
from seedtest_pipeline.api.app import create
from seedtest_pipeline.api.auth.authenticators import make_authenticator
from seedtest_pipeline.api.connections import BACKLOG, Connections, bounded
from seedtest_pipeline.api.ending import EndingServer, under_way_s
from seedtest_pipeline.api.json_log import log_as_json
from seedtest_pipeline.api.metrics import Metrics
from seedtest_pipeline.api.service import make_service
from seedtest_pipeline.settings import Settings

# Longer than a load balancer's usual 60 s: else it would send requests into connections that we are just closing.
_KEEP_ALIVE_S = 75


def serve(settings: Settings, host: str, port: int) -> None:
    """Raises:
    InvalidInput: the settings do not say whose tokens count, or open more than this machine.
    OperatorRequired: the server could not listen there.
    """
    log_as_json()
    metrics = Metrics()
    authenticator = make_authenticator(settings, host, metrics.fetched)
    listening = _listen(host, port)
    connections = Connections(metrics)
    app = create(make_service(settings, metrics), authenticator)

    def leave() -> None:
        app.state.leaving = connections.leaving = True

    server = EndingServer(configured(app, connections, grace_s=under_way_s(settings)), settings, leave)
    gc.collect()
    gc.freeze()  # what is here now stays: to look through it again and again costs a request in twenty its time
    with listening:
        server.run([listening])


def configured(app: ASGIApp, connections: Connections, *, grace_s: float) -> uvicorn.Config:
    """uvicorn as it serves this app; `grace_s` for what is under way at the end."""
    return uvicorn.Config(
        app,
        http=bounded(connections),
        ws="none",
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=math.ceil(grace_s),
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise OperatorRequired(
            f"{host}:{port} is not free ({error.strerror})", remedy="choose another --port."
        ) from error
