"""Reports in a real browser, light and dark: axe finds nothing, a phone cuts nothing, nothing is asked for."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from docs.sample_learner import LEVEL, answers, given, levels
from resources.reports.document.fill import render
from resources.reports.document.mail import html_of
from resources.reports.document.template import Template
from resources.reports.learner.report_input import ReportInput
from tests.integration.reports.states import STATES
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


@pytest.fixture(params=[*SHOWN, "the family's", "a mail"])
def report(request: pytest.FixtureRequest, template: Template, mail: Template, tmp_path: Path) -> Path:
    page, week = tmp_path / "report.html", STATES.get(request.param, STATES["a strength and a next step"])[0]
    if request.param == "a mail":
        page.write_text(html_of(render(mail, week)), "utf-8")
    else:
        page.write_bytes(render(template, week, edition="family" if request.param == "the family's" else "teacher"))
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


# Each text of a chart that leaves the page, and each pair of one chart that runs into one another.
COLLISIONS = """() => [...document.querySelectorAll('.chart svg')].flatMap(svg => {
  const texts = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()]);
  const off = texts.filter(([, box]) => box.left < 0 || box.right > innerWidth).map(([text]) => text);
  const pairs = texts.flatMap(([one, a], i) => texts.slice(i + 1)
    .filter(([, b]) => a.left < b.right && b.left < a.right && a.top + 4 < b.bottom && b.top + 4 < a.bottom)
    .map(([other]) => `${one} over ${other}`));
  return [...off, ...pairs];
})"""
LONG_DAYS = given(practised=answers([True, False] * 70, days=range(7), ms=(1_700_000,)))
HALF_A_YEAR = given(history=levels(*[-1.2, 0.4] * 13))


def at(theta: float) -> ReportInput:
    return given(level=replace(LEVEL, theta=theta, se=0.1), history=levels(theta - 0.2, theta))


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_text_of_a_chart_runs_into_another_or_off_the_page(
    browser: Browser, template: Template, korean: Template, tmp_path: Path, language: str, width: int
) -> None:
    """On a phone, the day's minutes ran into one another, and the level's name off the page."""
    context = browser.new_context(viewport={"width": width, "height": 800}, offline=True)
    opened = context.new_page()
    path = tmp_path / "report.html"
    weeks = [LONG_DAYS, HALF_A_YEAR, *map(at, (-2.95, -2.2, -1.0, 0.42, 1.2, 2.4, 2.95))]
    for week in [*weeks, *(STATES[state][0] for state in ("the first week", "2,000 answers", "beyond the scale"))]:
        path.write_bytes(render(template if language == "en" else korean, week))
        opened.goto(path.as_uri())
        assert opened.evaluate(COLLISIONS) == []
    context.close()


def test_charts_keep_their_marks_where_the_reader_has_chosen_all_colours(
    browser: Browser, template: Template, tmp_path: Path
) -> None:
    """Their own colours stayed there, on a page of others."""
    path = tmp_path / "report.html"
    path.write_bytes(render(template, given()))
    context = browser.new_context(forced_colors="active", color_scheme="dark", offline=True)
    opened = context.new_page()
    opened.goto(path.as_uri())
    colours = opened.evaluate("""() => ['.right', '.wrong', '.line', '.grid', 'text'].map(name => {
      const style = getComputedStyle(document.querySelector('.chart ' + name));
      return name == '.right' || name == 'text' ? style.fill : style.stroke;
    })""")
    system = opened.evaluate("""() => ['LinkText', 'CanvasText', 'LinkText', 'GrayText', 'CanvasText'].map(name => {
      document.body.style.forcedColorAdjust = 'none';
      document.body.style.color = name;
      return getComputedStyle(document.body).color;
    })""")
    assert colours == system
    context.close()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_with_the_type_at_200_percent_nothing_is_wider_than_a_phone(
    browser: Browser, template: Template, korean: Template, tmp_path: Path, language: str
) -> None:
    """Tables reached a fifth beyond the screen."""
    context = browser.new_context(viewport={"width": 390, "height": 800}, offline=True)
    opened = context.new_page()
    session = context.new_cdp_session(opened)
    session.send("Page.enable")
    session.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    path = tmp_path / "report.html"
    for state, (week, _) in STATES.items():
        path.write_bytes(render(template if language == "en" else korean, week))
        opened.goto(path.as_uri())
        assert opened.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
        assert (state, opened.evaluate("document.documentElement.scrollWidth")) == (state, 390)
    context.close()
