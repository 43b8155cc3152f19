"""Every state that a learner's week can be in, through the real document."""

import html
import re
from dataclasses import replace

import pytest

from docs.sample_learner import BANK, CUTS, GOAL, LEVEL, OF_TOPICS, TOPICS, WEEK, answers, given, levels
from resources.errors import TemplateBroken
from resources.reports.document.checks import verify
from resources.reports.document.fill import render
from resources.reports.document.template import Template
from resources.reports.learner.cuts import Cuts
from resources.reports.learner.report_input import Change, ReportInput, Standing

HOSTILE = (
    "<script>alert(1)</script>",
    "{{ 7*7 }} {% raw %} <!--% if x %-->",
    "**bold** [x](http://example.com) `code`",
    "الهندسة والمساحة",
    "비율과 비례식",
    "A very long topic name about quadratic equations and the many ways to solve them " * 4,
    "Pneumonoultramicroscopicsilicovolcanoconiosis" * 4,
    '"onload=x" & &lt;',
)

STATES = {
    "an ordinary week": (
        given(),
        [
            "not enough to tell yet whether your level has changed",
            "542 ± 61",
            "Your true level lies between 481 and 603 , 95 times out of 100",
            "not clear yet over 4 weeks",
            "of the last 4 weeks show a change of +48 ± 57",
            "chance alone makes such differences",
            "Week by week",
            "Topics",
        ],
    ),
    "the first week": (given(history=levels(0.42), change=None), ["and here is your level", "The dot is your level"]),
    "a first guess": (
        given(level=replace(LEVEL, se=0.63, n_items=8), history=levels(0.42, n_items=8), change=None),
        ["between 419 and 665", "rests on 8 answers", "a first guess"],
    ),
    "one answer": (
        given(level=replace(LEVEL, se=0.93, n_items=1), history=levels(0.42, n_items=1), practised=answers([True])),
        [
            "You gave 1 answer: 7 more answers until your first level",
            "After 7 more answers, your first level stands here",
            "1 answer in 1 session on 1 day: 1 right, 0 wrong",
        ],
    ),
    "too few answers, and none this week": (
        given(level=replace(LEVEL, se=0.8, n_items=3), history=levels(0.42, n_items=3), practised=answers([])),
        ["You gave no answers this week", "You have given 3 answers that can be measured. After 5 more answers"],
    ),
    "all right": (given(practised=answers([True] * 12)), ["Every answer of this week was right"]),
    "all wrong": (given(practised=answers([False] * 12)), ["No answer of this week was right"]),
    "nothing scorable": (
        given(level=None, history=[], practised=answers([None, True], items=["q1", "new"])),
        ["No level this week", "left blank or unreadable: 1 answer", "does not know yet: 1 answer"],
    ),
    "no answers, but a level": (
        given(
            level=replace(LEVEL, week=WEEK.plus(-2)),
            history=levels(0.1, 0.42, None, None),
            practised=answers([]),
            change=None,
        ),
        [
            "You gave no answers this week; your level rests on earlier ones",
            "The last that could be measured was in the week of 23 December 2024",
        ],
    ),
    "no answers, in brief": (
        given(
            level=replace(LEVEL, week=WEEK.plus(-2)),
            history=levels(0.1, 0.42, None, None),
            practised=answers([]),
            change=None,
            brief=True,
        ),
        ["You last answered on 26 December 2024.", "542 ± 61", "What to try next"],
    ),
    "no answers, only a history": (
        given(level=None, practised=answers([]), history=levels(0.1, 0.2, None), change=None),
        ["No level this week", "Your last level was 520 ± 59", "Week by week", "leave a gap"],
    ),
    "nothing at all": (given(level=None, practised=answers([]), history=[], change=None), ["No level this week"]),
    "no times": (given(practised=answers([True, False], ms=(None,))), ["How long the answers took was not recorded"]),
    "no topics": (given(practised=answers([True, False] * 4, topics=(None,)), topics=()), ["Questions you got wrong"]),
    "a clear change": (
        given(
            level=replace(LEVEL, theta=1.9),
            history=levels(-0.5, 1.9),
            change=Change(weeks=4, delta=1.4, se=0.31, verdict="up"),
        ),
        [
            "your level has clearly gone up",
            "+140 ± 61 over 4 weeks",
            "clearly more than chance",
            "well above 500, the middle",
        ],
    ),
    "a decline": (
        given(level=replace(LEVEL, theta=-1.0), change=Change(weeks=4, delta=-1.2, se=0.4, verdict="down")),
        ["and your level has gone down", "−120 ± 78 over 4 weeks", "below 500, the middle of the scale"],
    ),
    "half a year and more": (given(history=levels(*[0.01 * i for i in range(60)])), ["Not drawn: 34 levels"]),
    "beyond the scale": (
        given(level=replace(LEVEL, theta=3.4), history=levels(2.8, 3.4)),
        ["lies between 779 and 800", "The scale ends at 800", "drawn at its ends"],
    ),
    "among others": (
        given(standing=Standing(63, 46, 78, 1800)),
        [
            "higher than about 63 of 100 learners who answered in the four weeks before",
            "most likely higher than 46 to 78 of them",
            "63 (46 to 78), among at least 1,800 learners",
        ],
    ),
    "among others, somewhere": (
        given(standing=Standing(50, 15, 85, 1800)),
        ["not shown: its range is wider than 50 percentiles"],
    ),
    "a performance level for certain": (
        given(level=replace(LEVEL, theta=0.3, se=0.2), cuts=CUTS),
        ["± 39 Proficient Change", "Your performance level is Proficient .", "N(theta, SE²) between its cut scores"],
    ),
    "a performance level that is likely": (
        given(level=replace(LEVEL, theta=0.7), cuts=CUTS),
        [
            "± 61 most likely Proficient",
            "is most likely Proficient . The margin reaches over a border, so that is not certain: "
            "Proficient (83%), Advanced (17%).",
        ],
    ),
    "a performance level beside a cut score": (
        given(level=replace(LEVEL, theta=1.0), cuts=Cuts(("<b>", "가&", "{{ user }}"), (450, 600))),
        ["cannot be told yet, since the margin reaches over a border: 가& (50%), {{ user }} (50%)."],
    ),
    "hints": (
        given(practised=answers([True, False], hints=(True, False))),
        ["With a hint: 1 answer", "1 of 2 with a hint"],
    ),
    "some times": (
        given(practised=answers([True, False, True], ms=(60_000, None, 90_000))),
        ["2 answers took 2 min 30 s; how long the others took"],
    ),
    "a strength and a next step": (
        given(topics=[replace(TOPICS[0], name="비율"), replace(TOPICS[1], name="<i>집합</i>")]),
        ["Strengths 비율", "Worth practising next <i>집합</i>"],
    ),
    "topics that differ in difficulty": (
        given(bank=OF_TOPICS),
        ["at this level can do Most questions in Counting Few questions yet in Functions A question counts"],
    ),
    "a goal": (
        given(goal=GOAL),
        [
            "620 by 10 March 2025. Your level is 78 points below it now.",
            "is about 20% ; between 12% and 29%",
        ],
    ),
    "a goal too far away": (
        given(goal=replace(GOAL, by=WEEK.plus(30).start), level=replace(LEVEL, theta=2.0)),
        ["Your level is there already. How likely that is cannot be told"],
    ),
    "topics of which nothing can be said": (
        given(topics=TOPICS[2:]),
        [
            "No difference from your level can be told in these topics, with their answers: Geometry (24)",
            "Too few answers yet to compare: Sets (5)",
        ],
    ),
    "an unusual pattern": (
        given(practised=answers([False] * 20 + [True] * 20)),
        ["An unusual pattern", "a reason to ask, and never a proof"],
    ),
    "everything answered": (given(seen=frozenset(BANK.item_keys)), ["Easy and hard questions"]),
    "2,000 answers": (
        given(practised=answers([True, False, True, None] * 500, days=range(5), topics=("A", "B", "C"))),
        ["2,000 answers in 1 session on 6 days"],
    ),
    "hostile names": (
        given(
            user_id='"><b>{{ user }}\u202e',
            practised=answers([True, False] * 20, topics=HOSTILE),
            topics=[replace(TOPICS[i % 4], name=hostile) for i, hostile in enumerate(HOSTILE)],
        ),
        list(HOSTILE[:5]),
    ),
    "many topics": (
        given(topics=[replace(TOPICS[0], name=f"T{i}", n=2, n_right=1, expected=1.0) for i in range(200)]),
        ["Not shown: 160 topics with 320 answers"],
    ),
}


def text(report: bytes) -> str:
    """What a reader reads: no markup, single spaces."""
    body = report.decode().partition("<body>")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


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
