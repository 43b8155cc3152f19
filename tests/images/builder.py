"""The images of deploy/images as `make images` builds them, without a daemon and from bases of Debian's own packages.

The bases stand in for those that the Dockerfiles name: no registry of images is asked. What the Dockerfiles let be left
out is left out, which takes four fifths of the time away; the public workflow builds all of it.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]
_CERTIFICATES = Path("/etc/ssl/certs")  # what the machine believes, the build may believe, too
_PYTHON = 'for name in python python3; do ln -s /usr/bin/python3.11 "$1/usr/local/bin/$name"; done'


@dataclass(frozen=True)
class Image:
    root: Path
    """Its files, mounted; whoever runs it makes them read-only."""
    config: dict[str, Any]
    """As an OCI image has it: Env, User, Entrypoint, Cmd, WorkingDir, Volumes, Labels."""
    healthcheck: list[str]

    @property
    def environment(self) -> dict[str, str]:
        return dict(entry.split("=", 1) for entry in self.config["Env"])


def build_base(name: str, packages: tuple[str, ...], scratch: Path) -> None:
    """Debian 12 with these packages, as the image localhost/`name`."""
    archive = scratch / "base.tar"
    links = ["--customize-hook=" + _PYTHON] if "python3.11" in packages else []
    include = "--include=" + ",".join(("ca-certificates", *packages))
    _run("mmdebstrap", "--quiet", "--variant=minbase", include, *links, "bookworm", str(archive))
    container = _run("buildah", "from", "scratch")
    _run("buildah", "add", "--quiet", container, str(archive), "/")
    _run("buildah", "config", "--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
    _run("buildah", "commit", "--quiet", "--rm", container, f"localhost/{name}")
    archive.unlink()


def build(image: str, tag: str, **arguments: str) -> None:
    """deploy/images/`image` by the Makefile's own rule."""
    given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    options = ["--isolation=chroot", f"--volume={_CERTIFICATES}:{_CERTIFICATES}:ro", *given]
    _run(
        "make",
        f"image-{image}",
        f"TAG={tag}",
        "BUILDER=buildah build --format docker",
        f"BUILD_ARGS={' '.join(options)}",
    )


def mounted(reference: str) -> tuple[str, Image]:
    """A container's name, which `removed` takes, and its image."""
    container = _run("buildah", "from", "--pull-never", reference)
    told = json.loads(_run("buildah", "inspect", container))
    config = told["OCIv1"]["config"]
    return container, Image(
        Path(_run("buildah", "mount", container)), config, told["Docker"]["config"]["Healthcheck"]["Test"][1:]
    )


def removed(container: str, *images: str) -> None:
    _run("buildah", "rm", container)
    _run("buildah", "rmi", *images)


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout.strip()
