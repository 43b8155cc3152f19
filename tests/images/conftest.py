"""Not collected unless named, as `make test-images` does: building takes minutes, and needs Debian's buildah,
mmdebstrap and bubblewrap, and root.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import responses
from tests.images import builder
from tests.images.builder import Image

__all__ = ["responses"]  # as the commands of a machine get them

TAG = "tested"


@pytest.fixture(scope="session", autouse=True)
def builders() -> None:
    missing = [name for name in ("buildah", "mmdebstrap", "bwrap") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)}: apt-get install buildah mmdebstrap bubblewrap")
    if os.geteuid() != 0:
        pytest.skip("only root builds a base of Debian's packages and runs it as another user")


@pytest.fixture(scope="session")
def pipeline_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    base = "seedtest-test-python"
    builder.build_base(base, ("python3.11", "python3.11-venv"), tmp_path_factory.mktemp("base"))
    arguments = {"PYTHON_IMAGE": f"localhost/{base}", "QUARTO_VERSION": "", "R_PACKAGES": "", "FONTS": ""}
    yield from _image("pipeline", base, arguments)


@pytest.fixture(scope="session")
def r_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    base = "seedtest-test-debian"
    builder.build_base(base, (), tmp_path_factory.mktemp("base"))
    yield from _image("r-irt-plumber", base, {"DEBIAN_IMAGE": f"localhost/{base}"})


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """The one folder that a container may write in."""
    (tmp_path / "volume").mkdir()
    return tmp_path / "volume"


def _image(name: str, base: str, arguments: dict[str, str]) -> Iterator[Image]:
    builder.build(name, TAG, **arguments)
    reference = f"localhost/seedtest/{name}:{TAG}"
    container, image = builder.mounted(reference)
    yield image
    builder.removed(container, reference, f"localhost/{base}")
