"""The class report as a file: in both languages and formats, in a browser, and with whatever people are called."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from docs.sample_class import given, learner
from resources.reports.classes.class_input import ClassInput, Learner
from resources.reports.classes.page import DOCUMENT, fingerprint, render_class
from resources.reports.document.compile import compile_template
from resources.reports.document.template import Template
from tests.integration.reports.conftest import SOURCE
from tests.integration.reports.test_accessibility import RULES
from tests.waiting import PATIENCE_S

HOSTILE = "<script>alert(1)</script>{{ 7*7 }}#[x] \u202e한"
STATES: dict[str, ClassInput] = {
    "a class": given(),
    "nobody answered": given(*[Learner(f"u{k}", f"Learner {k}", "yes") for k in range(3)]),
    "hostile names": given(learner(HOSTILE), learner("y" * 300, wrong=[30]), group=HOSTILE),
}


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Template]:
    cache = tmp_path_factory.mktemp("templates")
    return {
        (language, form): compile_template(SOURCE, cache, language, form, DOCUMENT)
        for language in ("en", "ko")
        for form in ("html", "pdf")
    }


def test_every_state_is_a_whole_file_in_each_language_and_format(templates) -> None:
    for template in templates.values():
        for state in STATES.values():
            page = render_class(template, state)
            assert page == render_class(template, state)
            assert b"<script>alert" not in page


def test_a_template_of_one_document_is_not_taken_for_the_others(templates, template: Template) -> None:
    assert templates["en", "html"].sha256 != template.sha256
    assert "Class report" in templates["en", "html"].source


def test_the_fingerprint_is_of_what_is_shown(templates) -> None:
    en, ko = templates["en", "html"], templates["ko", "html"]
    states = [given(), given(group="3-3"), given(learner()), given(learner("Ada B."))]
    assert len({fingerprint(en, state) for state in states}) == len(states)
    assert fingerprint(en, given()) == fingerprint(en, given())
    assert fingerprint(en, given()) != fingerprint(ko, given())


def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone_with_its_type_at_200_percent(
    templates, needs_chromium: str, tmp_path: Path
) -> None:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    path = tmp_path / "class.html"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needs_chromium, args=flags, timeout=1_000 * PATIENCE_S)
        for language, scheme in (("en", "light"), ("ko", "dark")):
            context = browser.new_context(
                color_scheme=scheme, viewport={"width": 390, "height": 800}, bypass_csp=True, offline=True
            )
            page = context.new_page()
            for name, state in STATES.items():
                path.write_bytes(render_class(templates[language, "html"], state))
                page.goto(path.as_uri())
                found = Axe().run(page, options={"runOnly": RULES, "resultTypes": ["violations"]}).response
                complaints = [
                    (rule["id"], node["html"][:200]) for rule in found["violations"] for node in rule["nodes"]
                ]
                assert (name, complaints) == (name, [])
                assert (name, page.evaluate("document.documentElement.scrollWidth")) == (name, 390)
            session = context.new_cdp_session(page)
            session.send("Page.enable")
            session.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
            for name, state in STATES.items():
                path.write_bytes(render_class(templates[language, "html"], state))
                page.goto(path.as_uri())
                assert (name, page.evaluate("document.documentElement.scrollWidth")) == (name, 390)
            context.close()
        browser.close()
