"""The real services that tests of several parts need: a database, the R service."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine
from resources.errors import OperatorRequired
from resources.estimators.r_service import process
from resources.estimators.r_service.client import RServiceEstimator
from resources.estimators.r_service.process import RUN_R, find_rscript, running

TOKEN = "a token of the tests"


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def needs_r() -> None:
    """Skips, with the line that installs R, where R or one of its packages is missing."""
    try:
        find_rscript()
    except OperatorRequired as missing:
        pytest.skip(f"needs_r: {missing}")


@pytest.fixture(scope="session")
def r_service_url(needs_r: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running service that asks for TOKEN, from a path with a space in it, as a checkout may have."""
    here = tmp_path_factory.mktemp("r") / "a checkout"
    shutil.copytree(RUN_R.parent, here)
    with ExitStack() as service:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(process, "RUN_R", here / RUN_R.name)
            base_url = service.enter_context(running(token=TOKEN))
        yield base_url


@pytest.fixture
def r_estimator(r_service_url: str) -> RServiceEstimator:
    return RServiceEstimator(r_service_url, TOKEN)
