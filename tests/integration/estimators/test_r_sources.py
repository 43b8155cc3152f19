"""The R code by its own tools: testthat and lintr."""

import subprocess

import pytest

from resources.estimators.r_service.process import RUN_R, find_rscript


@pytest.fixture(scope="module")
def rscript(needs_r: None) -> str:
    rscript = find_rscript()
    for package in ("testthat", "lintr"):
        if not _prints(rscript, f"cat(system.file(package = '{package}'))"):
            pytest.skip(f"needs_r: R lacks {package}. On Debian or Ubuntu: sudo apt-get install -y r-cran-{package}")
    return rscript


def test_r_tests_pass_and_lintr_finds_nothing(rscript: str) -> None:
    done = subprocess.run(
        [rscript, "--vanilla", str(RUN_R.parent / "tests" / "run.R")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _prints(rscript: str, expression: str) -> str:
    return subprocess.run([rscript, "--vanilla", "-e", expression], capture_output=True, text=True, check=True).stdout
