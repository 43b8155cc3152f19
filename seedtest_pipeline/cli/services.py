"""Commands that serve until they are ended: `ui` (Dagster), `api` and `r-irt`."""

import os
import signal
import socket
import sys
from typing import Annotated, NoReturn

import typer

from resources.errors import InvalidInput
from resources.program_files import PACKAGES, PROGRAM_FILES
from seedtest_pipeline.cli import startup
from seedtest_pipeline.terminal import OUT


def ui(port: Annotated[int, typer.Option(help="Port on loopback.", min=1, max=65535)] = 3000) -> NoReturn:
    """Open Dagster's UI, with the daemon that runs the schedules and sensors. Ctrl-C ends both."""
    # This process becomes Dagster, so signals and the exit code are Dagster's own.
    from seedtest_pipeline.automation import orphaned_runs
    from seedtest_pipeline.runs import open_instance

    parts = startup.parts()
    orphaned_runs.close(open_instance())  # they count among the runs that may go on at once
    parts.engine.dispose()
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise InvalidInput(f"Port {port} is in use", remedy="name another with seedtest ui --port N.")
    OUT.print(f"Dagster's UI: http://127.0.0.1:{port} (in some 15 seconds)", highlight=False)
    sys.stdout.flush()
    log_format = "colored" if sys.stdout.isatty() else "json"
    environment = {
        # Dagster's processes import the packages beside this one, wherever they stand, and stand away from them:
        # beside a dagster.yaml that is not its own, Dagster warns.
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PACKAGES), os.environ.get("PYTHONPATH")])),
        # Of the same command in a package that is not used here.
        "PYTHONWARNINGS": "ignore:Function `dev_command` is superseded",
    }
    # A shell without a terminal starts its background jobs with SIGINT ignored, and Dagster ends itself by that signal.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.chdir(parts.settings.dagster_home)
    os.execve(  # noqa: S606 - no shell is meant
        sys.executable,
        [
            sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", str(port), "--log-format", log_format,
            "-w", str(PROGRAM_FILES / "workspace.yaml"),
        ],
        {**os.environ, **environment},
    )  # fmt: skip


def api(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Processes that serve.", min=1, max=64)] = 1,
    forwarded_allow_ips: Annotated[
        str, typer.Option(help="Proxies whose X-Forwarded-For is believed: addresses, networks, or *.")
    ] = "127.0.0.1",
) -> None:
    """Serve the on-demand API until SIGTERM or Ctrl-C.

    It needs the settings JWKS_URL, JWT_ISS and JWT_AUD: whose tokens it believes.
    Or, for tries on this machine alone, LOCAL_DEV=true: it asks for no token.
    Of each worker are the rates (API_RATE_PER_MINUTE, API_USER_RATE_PER_MINUTE)
    and the places (API_CONCURRENCY). All settings: docs/settings.md
    """
    import gc

    gc.disable()  # what is imported stays, and looking through it again and again takes a tenth of the start
    from seedtest_pipeline.api import server
    from seedtest_pipeline.settings import Settings

    gc.enable()
    server.serve(Settings.load(), host, port, workers=workers, trusted_proxies=forwarded_allow_ips)


def r_irt(port: Annotated[int, typer.Option(help="Port on loopback.", min=1, max=65535)] = 8010) -> None:
    """Run the R service r-irt-plumber in the foreground; R_IRT_BASE_URL=http://127.0.0.1:8010 makes others use it."""
    from resources.estimators.r_service import process
    from seedtest_pipeline.settings import Settings

    token = Settings.load().r_irt_internal_token
    process.serve(port, token.get_secret_value() if token else None)
