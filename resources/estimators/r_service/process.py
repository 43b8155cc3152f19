"""The R service r-irt-plumber as a process on this machine: in the foreground, or as a child that dies with us."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import httpx

from resources import ports, programs
from resources.errors import EstimatorUnavailable, OperatorRequired

RUN_R = Path(__file__).parents[1] / "plumber" / "run.R"
R_PACKAGES = ("plumber", "jsonlite", "data.table", "Matrix")
INSTALL = "sudo apt-get install -y r-base-core libopenblas0-pthread " + " ".join(
    f"r-cran-{package.lower()}" for package in R_PACKAGES
)


def serve(port: int, token: str | None, host: str = "127.0.0.1") -> NoReturn:
    """Becomes the R service: this process is replaced, so signals and the exit code are the service's own.

    Raises:
        OperatorRequired: R or one of its packages is missing, or the port is taken.
    """
    rscript = find_rscript()
    _require_free(host, port)
    os.execve(rscript, _command(rscript), _environment(host, port, token))  # noqa: S606 - no shell is meant


@contextmanager
def running(
    port: int | None = None, token: str | None = None, *, log: Path | None = None, start_timeout_s: float = 60.0
) -> Iterator[str]:
    """The base URL of an R service of our own on loopback, on a free port unless one is given; stopped at the end.

    Its log goes to our stderr, or to the file `log`. On Linux it also ends when the thread that started it does,
    however that ends: enter this on the main thread.

    Raises:
        OperatorRequired: R or one of its packages is missing, the port is taken, or the service ends as it starts.
        EstimatorUnavailable: it does not answer in `start_timeout_s`.
    """
    rscript = find_rscript()
    port = _require_free("127.0.0.1", port or 0)
    sink = log.open("ab") if log else None
    try:
        process = subprocess.Popen(
            _command(rscript), env=_environment("127.0.0.1", port, token), stdin=subprocess.DEVNULL, stdout=sink,
            stderr=sink, preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )  # fmt: skip
    finally:
        if sink:
            sink.close()
    try:
        base_url = f"http://127.0.0.1:{port}"
        _await_health(process, base_url, start_timeout_s, log)
        yield base_url
    finally:
        _stop(process)


def find_rscript() -> str:
    """The path of Rscript, where R and all that the service needs is installed.

    Raises:
        OperatorRequired: something is missing; the message is the line that installs it.
    """
    rscript = programs.find_rscript()
    if rscript is None:
        raise OperatorRequired("R is not installed.", remedy=f"On Debian or Ubuntu: {INSTALL}")
    if missing := programs.missing_r_packages(rscript, R_PACKAGES, vanilla=True):
        raise OperatorRequired(f"R lacks {', '.join(missing)}.", remedy=f"On Debian or Ubuntu: {INSTALL}")
    return rscript


def _command(rscript: str) -> list[str]:
    return [rscript, "--vanilla", str(RUN_R)]  # vanilla: nobody's .Rprofile runs inside the service


def _environment(host: str, port: int, token: str | None) -> dict[str, str]:
    return {
        **os.environ,
        "R_IRT_HOST": host,
        "R_IRT_PORT": str(port),
        "R_IRT_INTERNAL_TOKEN": token or "",
        # Its dense products are tiny: more threads only spin, on cores that others need.
        "OPENBLAS_NUM_THREADS": "1",
    }


def _await_health(process: subprocess.Popen[bytes], base_url: str, timeout_s: float, log: Path | None) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            where = f"see {log}" if log else "its reason is above"
            raise OperatorRequired(f"The R service ended with exit code {process.returncode} as it started: {where}.")
        try:
            answer = httpx.get(f"{base_url}/healthz", timeout=1.0, trust_env=False)
            # The process id tells ours from a stranger that has the port already.
            if answer.is_success and f'"pid":{process.pid},' in answer.text:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise EstimatorUnavailable(
        f"The R service did not answer at {base_url} within {timeout_s:g} s of its start.", where=base_url
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5.0)
    except subprocess.TimeoutExpired:  # a stopped process takes no SIGTERM
        process.kill()
        process.wait()


def _require_free(host: str, port: int) -> int:
    """The port, or one that is free where it is 0."""
    try:
        return ports.probe(host, port)
    except OSError as error:
        raise OperatorRequired(
            f"Port {port} of {host} is not free ({error.strerror})", where=f"{host}:{port}", remedy="choose another."
        ) from error


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork


def _die_with_parent() -> None:
    assert _LIBC is not None  # noqa: S101 - narrows the type; only Linux comes here
    _LIBC.prctl(1, signal.SIGTERM)  # 1 is PR_SET_PDEATHSIG
