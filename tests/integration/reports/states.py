"""Every state that a learner's week can be in, with sentences that its report has; and what a reader reads of one."""

import html
import re
from dataclasses import replace

from docs.sample_learner import BANK, CUTS, GOAL, LEVEL, OF_TOPICS, TOPICS, WEEK, answers, given, levels
from resources.reports.learner.cuts import Cuts
from resources.reports.learner.report_input import Change, Standing

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
