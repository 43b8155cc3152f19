"""What the family reads, on one page, and what a mail shows where it is sent."""

import io
import re
from dataclasses import replace
from email import message_from_bytes, policy

import pypdf
import pytest

from docs.sample_learner import TOPICS, answers, given, levels
from resources.reports.document.checks import MAX_BYTES, verify
from resources.reports.document.compile import compile_template
from resources.reports.document.fill import render
from resources.reports.document.mail import html_of
from resources.reports.document.template import Template
from tests.integration.reports.conftest import SOURCE
from tests.integration.reports.states import STATES, text

NAMED = "a strength and a next step"
MOST = given(
    history=levels(*[0.1 * n for n in range(26)]),
    topics=[replace(TOPICS[0], name=f"A topic with a rather long name, number {n}") for n in range(40)],
    practised=answers([False] * 40, topics=["A topic with a rather long name"], days=range(7)),
)


@pytest.mark.parametrize("state", STATES)
def test_the_family_is_told_of_the_learner_in_a_few_words(template: Template, state: str) -> None:
    week, _ = STATES[state]
    page = render(template, week, edition="family")
    verify(page, week.user_id, week.week, template)
    said = text(page)
    assert "For the family" in said
    assert not re.search(r"\b(You|your|Theta|logits|lz)\b", said)
    assert len(said.split()) < 320
    sentences = re.findall(r"[A-Z][^.:]*[.:]", said)
    assert len(sentences) == len(set(sentences)), "something is said twice"


def test_the_learners_headings_keep_their_addresses(template: Template) -> None:
    """A second heading of one text took `#this-week` away from the learner's page."""
    page = render(template, STATES[NAMED][0]).decode()
    assert re.findall(r'<h2 id="([^"]*)"', page)[:3] == ["your-level", "week-by-week", "this-week"]


def test_the_familys_print_is_one_page(tmp_path_factory: pytest.TempPathFactory) -> None:
    pdf = compile_template(SOURCE, tmp_path_factory.mktemp("templates"), "en", "pdf")
    report = pypdf.PdfReader(io.BytesIO(render(pdf, STATES[NAMED][0], edition="family")))
    assert len(report.pages) == 1
    assert len(pypdf.PdfReader(io.BytesIO(render(pdf, STATES[NAMED][0]))).pages) > 1


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("mail", ["en", "ko"], indirect=True)
def test_a_mail_has_no_picture_and_says_the_same_as_text(mail: Template, state: str) -> None:
    week, _ = STATES[state]
    sent = render(mail, week)
    verify(sent, week.user_id, week.week, mail)
    assert render(mail, week) == sent
    html, plain = html_of(sent), message_from_bytes(sent, policy=policy.default).get_body(("plain",))
    assert plain
    assert not re.search(r"<svg|<img|url\(|src=", html)
    words = re.sub(r"[\s|]+|[-=]{3,}", "", plain.get_content())
    assert re.sub(r"\s+", "", text(html.encode())).replace("|", "") in re.sub(r"\(https?:[^)]*\)", "", words)


def test_a_mail_keeps_its_looks_where_style_sheets_are_dropped_and_turns_dark_where_they_are_not(
    mail: Template,
) -> None:
    html = html_of(render(mail, STATES[NAMED][0]))
    sheet = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert len(sheet) == 1
    assert sheet[0].strip().startswith("@media (prefers-color-scheme: dark)")
    assert '<meta name="color-scheme" content="light dark">' in html
    assert all("style=" in cell for cell in re.findall(r"<t[dh]\b[^>]*>", html))
    assert "background" not in html.partition("</style>")[2], "a page's own colour would stay white in the dark"


def test_the_longest_mail_is_not_cut_by_gmail(mail: Template) -> None:
    html = html_of(render(mail, MOST))
    assert 40_000 < len(html.encode()) < MAX_BYTES["eml"]
