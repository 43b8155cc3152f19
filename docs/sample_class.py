"""A sample class: what the tests of class reports vary, and what a person looks at while its document is worked on."""

import math
from collections.abc import Sequence
from dataclasses import replace

from docs.sample_learner import BANK, LEVEL, WEEK
from resources.model import ItemCatalogue, ItemDetails
from resources.reports.classes.class_input import Answered, ClassInput, Learner
from resources.reports.learner.report_input import Change, Topic
from resources.reports.learner.scale import Scale

TOPICS = ("Fractions", "Percentages", "Geometry", "Reading graphs", "Equations")
NAMES = (
    "Ada Byron", "Ben Okafor", "Chloé Martin", "Dmitri Ivanov", "Elif Yılmaz", "Finn O’Brien", "Grace Kim",
    "Hana Sato", "Ivo Novák", "Jamal Haddad", "Kira Lind", "Leo García", "Mina Park", "Noah Weber", "Olu Adeyemi",
    "Priya Raman", "김하나", "이도윤", "박서연", "정민준",
)  # fmt: skip
ITEMS = ItemCatalogue({
    "q30": ItemDetails("Adding fractions with unlike denominators", "Fractions", "https://example.org/q30"),
    "q31": ItemDetails("Three quarters of an hour", None, None),
})  # fmt: skip


def change(points: float, margin: float, weeks: int = 4) -> Change:
    """In points of the usual scale; the verdict follows."""
    told, se = points / 100, margin / 196
    if abs(points) <= margin:
        return Change(weeks, told, se, "not enough to tell")
    return Change(weeks, told, se, "up" if points > 0 else "down")


def learner(
    name: str | None = "Ada Byron",
    user_id: str = "synthetic-ada",
    theta: float | None = 0.4,
    lately: Change | None = None,
    since_start: Change | None = None,
    wrong: Sequence[int] = (30,),
    right: Sequence[int] = (1, 2),
    topics: Sequence[Topic] = (),
) -> Learner:
    """Who got these questions of the bank wrong and right this week."""
    answered = [Answered(f"q{j}", j in right, 0.6 if theta is not None else math.nan) for j in (*wrong, *right)]
    return Learner(
        user_id=user_id,
        name=name,
        known="yes",
        level=None if theta is None else replace(LEVEL, theta=theta),
        change=lately,
        change_since_start=since_start,
        n_answers=len(answered),
        answered=answered,
        topics=topics,
        last_week=WEEK,
    )


def topic(name: str, n: int, n_right: int, expected: float, below: bool = False) -> Topic:
    return Topic(name, n, n_right, expected, (n_right - expected) / n, 0.2, below, "below" if below else "alike")


def given(*learners: Learner, group: str = "3-2") -> ClassInput:
    return ClassInput(group, WEEK, learners or _class(), BANK, ITEMS, Scale(), 30)


def _class() -> Sequence[Learner]:
    made = []
    for k, name in enumerate(NAMES):
        lately = change((-20, 15, 60, -5, 30)[k % 5], 55 + k)
        since = change((10, 90, 40, -15)[k % 4], 62 + k, 12) if k % 3 else None
        counts = [
            topic(of, 6 + (k + j) % 7, (k + 2 * j) % 6, 0.6 * (6 + (k + j) % 7), (k + j) % 11 == 0)
            for j, of in enumerate(TOPICS)
        ]
        one = learner(
            name,
            f"synthetic-{k:04}",
            -1.2 + 0.13 * k,
            lately,
            since,
            [30, *range(20 + k % 4, 24)],
            range(k % 5),
            counts,
        )
        made.append(one)
    made[3] = replace(made[3], change=change(-130, 62), change_since_start=change(-95, 60, 10))
    made[5] = replace(made[5], change=None, change_since_start=None, level=replace(LEVEL, n_items=5))
    made[9] = replace(made[9], change=None, change_since_start=None, level=None, last_week=WEEK.plus(-7), answered=(),
                      n_answers=0, topics=())  # fmt: skip
    made[12] = replace(made[12], change=None, change_since_start=None, n_answers=0, answered=())
    made.append(Learner("synthetic-9999", None, "no"))
    made.append(Learner("synthetic-9998", "Quentin Late", "not run"))
    return sorted(made, key=lambda one: one.name or one.user_id)
