"""An image's command as a container that may do least: its own user, no capabilities, and one folder to write in.

bubblewrap does what a container engine does of it: read-only files, own processes, no privileges, a /dev/shm. It shares
the machine's network, so that what it serves is found on loopback.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import httpx

from tests.images.builder import Image

NOTHING: Mapping[str, str] = MappingProxyType({})


def run(
    image: Image, command: Sequence[str], volume: Path, environment: Mapping[str, str] = NOTHING, timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _line(image, command, volume, environment), capture_output=True, text=True, check=False, timeout=timeout_s
    )


@contextmanager
def serving(
    image: Image, command: Sequence[str], volume: Path, environment: Mapping[str, str] = NOTHING
) -> Iterator[subprocess.Popen[str]]:
    """While it runs; the end is SIGTERM to its process 1, and whoever entered finds the exit code afterwards."""
    told, tell = os.pipe()
    with subprocess.Popen(
        _line(image, command, volume, environment, "--info-fd", str(tell)),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, pass_fds=[tell],
    ) as process:  # fmt: skip
        os.close(tell)
        with os.fdopen(told) as info:
            first = json.load(info)["child-pid"]
        try:
            yield process
            os.kill(first, signal.SIGTERM)
            process.wait(timeout=30)
        finally:
            process.kill()


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def _line(
    image: Image, command: Sequence[str], volume: Path, environment: Mapping[str, str], *options: str
) -> list[str]:
    (written,) = image.config["Volumes"]
    user, group = image.config["User"].split(":")
    os.chown(volume, int(user), int(group))
    settings = {**image.environment, **environment}
    return [
        "bwrap", "--ro-bind", str(image.root), "/", "--bind", str(volume), written, "--proc", "/proc", "--dev", "/dev",
        "--perms", "1777", "--tmpfs", "/dev/shm",  # noqa: S108 - as an engine gives it: a launched run needs semaphores
        "--unshare-pid", "--as-pid-1", "--unshare-ipc", "--die-with-parent", "--new-session", *options,
        "--chdir", image.config["WorkingDir"],
        "--clearenv", *(part for name, value in settings.items() for part in ("--setenv", name, value)),
        "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP",
        "--", "setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--inh-caps=-all",
        "--bounding-set=-all", "--no-new-privs",
        *image.config["Entrypoint"], *command,
    ]  # fmt: skip
