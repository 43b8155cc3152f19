"""nginx on loopback with the settings of docs/operations/nginx.conf, on ports of the test's own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from resources import ports
from tests.waiting import until

SETTINGS = Path(__file__).parents[1] / "docs/operations/nginx.conf"
_AROUND = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
access_log off;
client_body_temp_path {folder}/client;
proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/fastcgi;
uwsgi_temp_path {folder}/uwsgi;
scgi_temp_path {folder}/scgi;
{settings}
}}
"""


@contextmanager
def in_front_of(target: str, folder: Path) -> Iterator[int]:
    """nginx's port, of 127.0.0.1 and ::1, before `target`, an address and its port. Skips where none is installed."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed: apt-get install nginx")
    port = ports.probe("127.0.0.1", 0)
    settings = SETTINGS.read_text()
    for ours, here in (
        ("server 127.0.0.1:8000;", f"server {target};"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("listen [::]:80;", f"listen [::1]:{port};"),
    ):
        assert ours in settings
        settings = settings.replace(ours, here)
    file = folder / "nginx.conf"
    file.write_text(_AROUND.format(folder=folder, settings=settings))
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen([program, "-p", folder, "-e", "stderr", "-c", file], stdout=log, stderr=log)
        try:
            until(lambda: not ports.is_free("127.0.0.1", port) or process.poll() is not None)
            assert process.poll() is None, (folder / "nginx.log").read_text()
            yield port
        finally:
            process.terminate()
            process.wait()
