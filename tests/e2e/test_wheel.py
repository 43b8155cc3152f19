"""The wheel installed away from any checkout: it holds the documents, the migrations and Dagster's own settings.

From an empty database to a finished report in one process, which is a third of what `seedtest demo` costs and needs the
same files.
"""

import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.e2e.conftest import CHECKOUT, WEEKS, Shell

TYPED = (
    ["migrate"],
    ["ingest", "responses.parquet"],
    ["calibrate"],
    ["run", "--week", WEEKS[0], "--user", "u17632"],
    ["report", "--week", WEEKS[0], "--user", "u17632"],
)
CODE = f"""
from seedtest_pipeline.cli.main import app
for arguments in {TYPED}:
    app(arguments, standalone_mode=False)
from assets import responses
from resources import program_files
import seedtest_pipeline
print(seedtest_pipeline.__file__, responses.__file__, program_files.PROGRAM_FILES, sep="\\n")
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=CHECKOUT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    installation = folder / "an installation"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", installation, wheel]
    subprocess.run(install, check=True, capture_output=True)
    return installation


def test_an_installed_wheel_makes_a_report_from_an_empty_database(
    installation, tmp_path, empty_database_url, responses
):
    responses.to_parquet(tmp_path / "responses.parquet", index=False)
    shell = Shell(tmp_path / ".seedtest", empty_database_url)
    environment = {**shell.environment, "PYTHONPATH": str(installation)}
    del environment["SEEDTEST_HOME"]  # the folder that a wheel keeps its data in by itself
    ran = subprocess.run(
        [sys.executable, "-c", CODE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    *_, url, composition, asset, files = ran.stdout.splitlines()
    assert all(Path(path).is_relative_to(installation) for path in (composition, asset, files))
    page = Path(unquote(url.removeprefix("file://")))
    assert page.is_relative_to(tmp_path / ".seedtest")
    assert "u17632" in page.read_text("utf-8")


def test_the_files_of_dagster_and_the_r_service_are_in_the_wheel(installation):
    for name in ("dagster.yaml", "workspace.yaml", "quarto/cohort_report.qmd", "quarto/locales/cohort/ko.po"):
        installed, own = installation / "seedtest_pipeline.files" / name, CHECKOUT / name
        assert installed.read_bytes() == own.read_bytes()
    service = Path("resources/estimators/plumber")
    for kind in ("*.R", "*.sh"):
        names = {path.relative_to(CHECKOUT) for path in (CHECKOUT / service).rglob(kind)}
        assert names
        assert names == {path.relative_to(installation) for path in (installation / service).rglob(kind)}


def test_packages_and_files_are_all_that_the_wheel_brings(installation):
    brought = {path.name for path in installation.iterdir() if not path.name.endswith(".dist-info")}
    assert brought - {"bin"} == {"seedtest_pipeline", "assets", "resources", "seedtest_pipeline.files"}
