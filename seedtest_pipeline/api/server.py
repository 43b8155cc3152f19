"""`seedtest api`: the app behind uvicorn, until SIGTERM or Ctrl-C; requests under way are finished."""

import gc
import math
import socket
import sys
from functools import partial

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
from seedtest_pipeline.api.workers import Workers
from seedtest_pipeline.settings import Settings

# Longer than a load balancer's usual 60 s: else it would send requests into connections that we are just closing.
_KEEP_ALIVE_S = 75
# For so long a thread that calculates keeps the event loop waiting, each time that this has asked the system for
# something: by default 5 ms, several times in a request.
_TURN_S = 0.0005


def serve(settings: Settings, host: str, port: int, *, workers: int = 1, trusted_proxies: str = "127.0.0.1") -> None:
    """Raises:
    InvalidInput: the settings do not say whose tokens count, or open more than this machine.
    OperatorRequired: the server could not listen there, or a worker did not start.
    """
    log_as_json()
    make_authenticator(settings, host)  # what it refuses is said once, and before anything is started
    process = partial(_serve, settings, host, trusted_proxies)
    with listen(host, port) as listening:
        if workers == 1:
            process(listening)
        else:
            Workers(workers, process, listening).run()


def _serve(
    settings: Settings, host: str, trusted_proxies: str, listening: socket.socket, metrics_folder: str | None = None
) -> None:
    log_as_json()
    sys.setswitchinterval(_TURN_S)
    metrics = Metrics(metrics_folder)
    app = create(make_service(settings, metrics), make_authenticator(settings, host, metrics.fetched))
    connections = Connections(metrics)

    def leave() -> None:
        app.state.leaving = connections.leaving = True

    config = configured(app, connections, grace_s=under_way_s(settings), trusted_proxies=trusted_proxies)
    gc.collect()
    gc.freeze()  # what is here now stays: to look through it again and again costs a request in twenty its time
    EndingServer(config, settings, leave).run([listening])


def configured(
    app: ASGIApp, connections: Connections, *, grace_s: float, trusted_proxies: str = "127.0.0.1"
) -> uvicorn.Config:
    """uvicorn as it serves this app; `grace_s` for what is under way at the end. `trusted_proxies` are believed when
    they say whom they ask for."""
    return uvicorn.Config(
        app,
        http=bounded(connections),
        ws="none",
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=trusted_proxies,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=math.ceil(grace_s),
    )


def listen(host: str, port: int) -> socket.socket:
    """Raises:
    OperatorRequired: it is not free, or not this machine's.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise OperatorRequired(
            f"{in_url(host)}:{port} is not free ({error.strerror})", remedy="choose another --port."
        ) from error


def in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
