from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from assets.publishing.publisher import Publisher
from docs.sample_learner import BANK
from resources.artifacts.folder import FolderStore
from resources.model import Format
from resources.reports.document.compile import compile_templates
from resources.reports.document.template import Template
from resources.reports.learner.scale import Scale
from tests.integration.assets import small_exam


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[Format, Template]:
    source = Path(__file__).parents[3] / "quarto"
    return compile_templates(source, tmp_path_factory.mktemp("templates"), ("html", "pdf"), "en")


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "artifacts")


@pytest.fixture
def new_publisher(engine: sa.Engine, store: FolderStore, templates: dict[Format, Template]) -> Callable[..., Publisher]:
    """A new publisher per run, as each run of the asset makes one; into `store` and of HTML unless told otherwise."""

    def made(into: FolderStore = store, *formats: Format) -> Publisher:
        chosen = {form: templates[form] for form in formats or ("html",)}
        return Publisher(engine, into, chosen, BANK, Scale(), 30)

    return made


@pytest.fixture
def platform(engine: sa.Engine) -> sa.Engine:
    """The sessions of `small_exam`, of which nothing was made."""
    small_exam.load(engine)
    return engine
