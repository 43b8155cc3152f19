"""A sample learner's week: what `make preview` shows, and what the tests of reports vary."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from resources.answers.answers import Answers
from resources.answers.schema import SCHEMA
from resources.model import Goal, ItemBank, Week
from resources.reports.i18n.wording import Words
from resources.reports.learner.cuts import Cuts
from resources.reports.learner.report_input import Change, GroupMovement, Level, ReportInput, Standing, Topic, WeekLevel
from resources.reports.learner.scale import Scale

ENGLISH = Words()
KOREAN = Words("ko", (Path(__file__).parents[1] / "quarto" / "locales" / "ko.po").read_text("utf-8"))
WEEK = Week(dt.date(2025, 1, 6))

BANK = ItemBank(
    "2025-01",
    "2PL",
    tuple(f"q{j}" for j in range(40)),
    np.linspace(0.6, 1.8, 40),
    np.linspace(-2, 2, 40),
    np.zeros(40),
)

# Of which some topics are easy and some hard.
_TOPICS = dict.fromkeys(BANK.item_keys[:10], "Counting") | dict.fromkeys(BANK.item_keys[30:], "Functions")
OF_TOPICS = replace(BANK, topics=_TOPICS)

LEVEL = Level(
    week=WEEK, theta=0.42, se=0.31, n_items=24, n_unknown_item=2, n_unusable=1, model="2PL", bank_version="2025-01"
)

CHANGE = Change(weeks=4, delta=0.48, se=0.29, verdict="not enough to tell")

TOPICS = (
    Topic("Algebra", n=41, n_right=33, expected=25.4, deviation=0.71, se=0.26, reliable=True, verdict="above"),
    Topic("Fractions", n=52, n_right=22, expected=30.1, deviation=-0.58, se=0.22, reliable=True, verdict="below"),
    Topic("Geometry", n=24, n_right=14, expected=13.8, deviation=0.04, se=0.18, reliable=False, verdict="alike"),
    Topic("Sets", n=5, n_right=3, expected=2.9, deviation=math.nan, se=math.nan, reliable=False, verdict=None),
)

GOAL = Goal(score=620, by=WEEK.plus(9).start)
GROUP = GroupMovement((0.05, 0.08, 0.03, 0.06, 0.07, 0.04), (0.02,) * 6, 0.08)

CUTS = Cuts(("Basic", "Proficient", "Advanced"), (400, 600))


def answers(
    correct: Sequence[bool | None],
    *,
    items: Sequence[str] | None = None,
    topics: Sequence[str | None] = ("Fractions",),
    ms: Sequence[int | None] = (42_000,),
    sessions: Sequence[str | None] = ("s1",),
    days: Sequence[int] = (0,),
    hints: Sequence[bool | None] = (None,),
) -> Answers:
    """One answer per entry of `correct`; shorter sequences go round."""
    n = len(correct)

    def around(values: Sequence[Any]) -> list[Any]:
        return [values[i % len(values)] for i in range(n)]

    morning = WEEK.begins_at + dt.timedelta(hours=9)
    columns = {
        "user_id": ["synthetic-ada"] * n,
        "item_key": around(items or BANK.item_keys),
        "correct": list(correct),
        "topic_id": around(topics),
        "completed_at": [morning + dt.timedelta(days=day, minutes=i) for i, day in enumerate(around(days))],
        "response_time_ms": around(ms),
        "session_id": around(sessions),
        "attempt_no": [1] * n,
        "hint_used": around(hints),
        "omitted": [None] * n,
    }
    return Answers.from_table(pa.table({name: columns[name] for name in SCHEMA.names}, SCHEMA))


# The middle of the bank is left to be tried next.
PRACTISED = answers(
    [True, False, True, None] * 6, items=(*BANK.item_keys[:12], *BANK.item_keys[24:36]), days=(0, 1, 1, 4)
)


def levels(*thetas: float | None, se: float = 0.3, n_items: int = 24) -> list[WeekLevel]:
    """Weekly estimates up to this week; None is a week without one."""
    weeks = WEEK.plus(1 - len(thetas)).through(WEEK)
    return [WeekLevel(week, theta, se, n_items) for week, theta in zip(weeks, thetas, strict=True) if theta is not None]


def given(
    user_id: str = "synthetic-ada",
    level: Level | None = LEVEL,
    history: Sequence[WeekLevel] | None = None,
    practised: Answers | None = None,
    bank: ItemBank = BANK,
    standing: Standing | None = None,
    change: Change | None = CHANGE,
    since_start: Change | None = None,
    seen: frozenset[str] = frozenset(),
    cuts: Cuts | None = None,
    topics: Sequence[Topic] = TOPICS,
    brief: bool = False,
    goal: Goal | None = None,
) -> ReportInput:
    return ReportInput(
        user_id=user_id,
        week=WEEK,
        level=level,
        standing=standing,
        change=change,
        change_since_start=since_start,
        topics=topics,
        brief=brief,
        last_answered_at=WEEK.begins_at - dt.timedelta(days=11),
        history=levels(-0.1, 0.0, 0.2, 0.42) if history is None else history,
        answers=PRACTISED if practised is None else practised,
        seen=seen,
        bank=bank,
        scale=Scale(cuts=cuts),
        usual_ms=dict.fromkeys(bank.item_keys, 38_000.0),
        as_of=WEEK.ends_at,
        window_days=30,
        goal=goal,
        group=GROUP if goal else GroupMovement(),
    )
