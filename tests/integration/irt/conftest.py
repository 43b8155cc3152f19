"""A real r-irt-plumber for the tests that need one, started once."""

from collections.abc import Iterator

import pytest

from resources.errors import CallAPerson
from resources.irt.r_process import find_rscript, running
from resources.irt.r_service import RServiceEstimator

TOKEN = "a token of the tests"


@pytest.fixture(scope="session")
def needs_r() -> None:
    """Skips, with the line that installs R, where R or one of its packages is missing."""
    try:
        find_rscript()
    except CallAPerson as missing:
        pytest.skip(f"needs_r: {missing}")


@pytest.fixture(scope="session")
def r_service_url(needs_r: None) -> Iterator[str]:
    """A running service that asks for TOKEN."""
    with running(token=TOKEN) as base_url:
        yield base_url


@pytest.fixture
def r_estimator(r_service_url: str) -> RServiceEstimator:
    return RServiceEstimator(r_service_url, TOKEN)
