"""Eight reports in a real browser, light and dark: axe finds nothing, a phone cuts nothing, nothing is asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from resources.reports.document.fill import render
from resources.reports.document.template import Template
from tests.integration.reports.test_states import STATES
from tests.waiting import PATIENCE_S

SHOWN = (
    "an ordinary week",
    "the first week",
    "a strength and a next step",
    "an unusual pattern",
    "no answers, only a history",
    "no answers, but a level",
    "one answer",
    "hostile names",
)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser(needs_chromium: str) -> Iterator[Browser]:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=needs_chromium, args=flags, timeout=1_000 * PATIENCE_S)
        yield chromium
        chromium.close()


@pytest.fixture(params=SHOWN)
def report(request: pytest.FixtureRequest, template: Template, tmp_path: Path) -> Path:
    page = tmp_path / "report.html"
    page.write_bytes(render(template, STATES[request.param][0]))
    return page


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[Page]:
    """On a phone, where the policy that forbids scripts is lifted for axe's own."""
    context = browser.new_context(
        color_scheme=request.param, viewport={"width": 390, "height": 800}, bypass_csp=True, offline=True
    )
    asked: list[str] = []
    context.set_default_timeout(1_000 * PATIENCE_S)
    opened = context.new_page()
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(report.as_uri())
    yield opened
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]
    context.close()


def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(page: Page) -> None:
    found = Axe().run(page, options={"runOnly": RULES, "resultTypes": ["violations", "incomplete"]}).response
    complaints = [(rule["id"], node["html"][:200]) for rule in found["violations"] for node in rule["nodes"]]
    assert complaints == []
    assert len(found["passes"]) > 15
    assert page.evaluate("document.documentElement.scrollWidth") == 390
