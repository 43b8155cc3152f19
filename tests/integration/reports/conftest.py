import shutil
from pathlib import Path

import pytest

from resources.reports.document.compile import compile_template
from resources.reports.document.template import Template

SOURCE = Path(__file__).parents[3] / "quarto"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return compile_template(SOURCE, tmp_path_factory.mktemp("templates"))


@pytest.fixture(scope="session")
def korean(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return compile_template(SOURCE, tmp_path_factory.mktemp("templates"), "ko")


@pytest.fixture(scope="session", params=["en"])
def mail(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Template:
    return compile_template(SOURCE, tmp_path_factory.mktemp("templates"), request.param, "eml")


@pytest.fixture(scope="session")
def needs_chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium on the PATH: nobody has looked at the reports in a browser")
