"""Every state that a learner's week can be in, through the real document."""

import re
from dataclasses import replace

import pytest

from docs.sample_learner import CUTS, TOPICS, WEEK, given, levels
from resources.errors import TemplateBroken
from resources.reports.document.checks import verify
from resources.reports.document.fill import render
from resources.reports.document.template import Template
from resources.reports.learner.report_input import ReportInput, Standing
from tests.integration.reports.states import STATES, text


@pytest.mark.parametrize("state", STATES)
def test_every_state_reads_well(template: Template, state: str) -> None:
    week, sentences = STATES[state]
    report = render(template, week, edition="teacher")
    verify(report, week.user_id, week.week, template)
    shown = text(report)
    for sentence in sentences:
        assert sentence in shown
    assert not re.search(r"\bNone\b(?! of)|\bnan\b|\binf\b", shown)


@pytest.mark.parametrize("state", STATES)
def test_the_learners_report_is_the_teachers_without_its_part(template: Template, state: str) -> None:
    """Learners read logits and person fit at the foot of their own report."""
    week, _ = STATES[state]
    mine, teachers = text(render(template, week)), text(render(template, week, edition="teacher"))
    page, _, foot = mine.rpartition("Answers up to")
    assert teachers.startswith(f"{page}For the teacher ")
    assert teachers.endswith(f"Answers up to{foot}")
    assert not re.search(r"Theta|logits|lz\*|Item bank|unusual pattern|For the teacher", mine)


@pytest.mark.parametrize("state", [state for state in STATES if STATES[state][0].change is None])
def test_where_nothing_is_known_of_change_nothing_is_said_of_it(template: Template, state: str) -> None:
    report = text(render(template, STATES[state][0]))
    assert not re.search(
        r"\bChange\b|chance alone makes|more than chance|whether your level has changed|gone (up|down)|over 4 weeks",
        report,
    )


@pytest.mark.parametrize("state", ["one answer", "too few answers, and none this week"])
def test_too_few_answers_make_no_score_no_margin_and_no_place(template: Template, state: str) -> None:
    week = replace(STATES[state][0], standing=Standing(63, 46, 78, 1800))
    page = render(template, week)
    report = text(page)
    assert 'class="figure"' not in page.decode()  # nor the week's share right, in figures as large as a level's
    assert not re.search(r"542|±|of 100|Theta|percentile|Week by week|What to try next", report)
    assert report.count("first level") >= 1


@pytest.mark.parametrize("state", [state for state in STATES if state != "hostile names"])
def test_no_english_is_left_in_a_korean_report(korean: Template, state: str) -> None:
    week, _ = STATES[state]
    own = {
        "synthetic",
        "ada",
        "user",
        *CUTS.names,
        "UTC",
        "EAP",
        "SE",
        "PL",
        "lz",
        *(topic.name for topic in TOPICS),
        "Counting",
        "Functions",
    }
    for edition in ("teacher", "family"):
        report = render(korean, week, edition=edition)
        verify(report, week.user_id, week.week, korean)
        assert '<html lang="ko">' in report.decode()
        alternatives = re.findall(r'aria-label="([^"]*)"', report.decode())
        assert set(re.findall(r"[A-Za-z]{2,}", " ".join([text(report), *alternatives]))) - own == set()


def test_who_answered_nothing_reads_a_short_page(template: Template) -> None:
    """Half of all reports were whole pages about weeks in which nothing had happened."""
    week, _ = STATES["no answers, in brief"]
    said = text(render(template, week))
    assert not re.search("Week by week|Topics|For the teacher|This week|true level lies", said)
    assert len(said) < 900


def test_only_invented_learners_are_labelled_synthetic(template: Template) -> None:
    assert "Synthetic data." in text(render(template, given(user_id="synthetic-ada")))
    assert "Synthetic data." not in text(render(template, given(user_id="ada")))


def test_no_name_reaches_the_markup(template: Template) -> None:
    week, _ = STATES["hostile names"]
    report = render(template, week).decode()
    assert "<script" not in report
    assert "<b>" not in report
    assert "{{" not in report
    assert 'content="~22~3e~3cb~3e' in report  # the marker, by its safe key


def test_the_same_input_gives_the_same_bytes(template: Template) -> None:
    assert render(template, given()) == render(template, given())
    assert render(template, given()) != render(template, given(user_id="synthetic-bob"))


def test_a_report_stands_alone_and_is_small(template: Template) -> None:
    report = render(template, STATES["many topics"][0]).decode()
    assert not re.search(r"<script|<link|@import|https?://(?!www\.w3\.org/)|\bon\w+=", report)
    assert len(render(template, given())) < 40_000


@pytest.mark.parametrize(
    "mark", ["{{ nobody }}", "{{ level.nothing }}", "<!--% if level.nothing %--><!--% endif %-->", "{{ 1 +"]
)
def test_a_name_that_no_report_has_is_an_error_and_no_empty_place(template: Template, mark: str) -> None:
    with pytest.raises(TemplateBroken, match="cannot be filled"):
        render(replace(template, source=template.source.replace("</h1>", mark + "</h1>")), given())


def test_a_history_without_the_week_itself_is_completed(template: Template) -> None:
    week: ReportInput = given(history=levels(0.1, 0.2, None))
    assert week.history[-1].week < WEEK
    assert "6 Jan" in text(render(template, week))
