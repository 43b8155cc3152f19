"""`small_cohort`, made once and copied for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from assets.abilities.scoring import ScoringRules
from assets.cohort.tables import Source
from resources.artifacts.folder import FolderStore
from resources.database.engine import make_engine
from resources.reports.learner.scale import Scale
from resources.warehouse.warehouse import Warehouse
from tests.databases import copy_of
from tests.integration.assets.cohort import small_cohort
from tests.integration.assets.freezing import FIRST


@pytest.fixture(scope="session")
def made(migrated_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Its database and its warehouse."""
    folder = tmp_path_factory.mktemp("cohort") / "warehouse"
    with copy_of(migrated_url) as url:
        engine = make_engine(url)
        small_cohort.make(engine, Warehouse(FolderStore(folder)))
        engine.dispose()
        yield url, folder


@pytest.fixture
def engine(made: tuple[str, Path]) -> Iterator[sa.Engine]:
    with copy_of(made[0]) as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def source(engine: sa.Engine, made: tuple[str, Path], tmp_path: Path) -> Source:
    warehouse = Warehouse(FolderStore(Path(shutil.copytree(made[1], tmp_path / "warehouse"))))
    return Source(engine, warehouse, FIRST, small_cohort.BUCKET.users, ScoringRules(), Scale())
