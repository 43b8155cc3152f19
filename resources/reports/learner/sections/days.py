"""The rhythm of the week, Monday to Sunday: the chart `days`, the same in words, and the exact numbers."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from resources import calendar
from resources.answers.answers import Answers
from resources.model import Floats, Week
from resources.reports.i18n.wording import NONE, Words
from resources.reports.learner.active_time import active_ms
from resources.reports.learner.axis import Axis, ticks, top

COUNTS_SHOWN = 4
LEFT, RIGHT, TOP, BOTTOM = 46.0, 544.0, 30.0, 180.0  # where days and counts stand in quarto/charts/days.svg
HIGH, HIGHER = 226, 246  # the whole chart, with one and with two lines for a day's time


@dataclass(frozen=True)
class DayColumn:
    """A day's place; the heights at which its wrong and its right answers end, the first above the second; its name,
    and its time in two lines."""

    x: float
    wrong: float
    right: float
    name: str
    time: tuple[str, str]


@dataclass(frozen=True)
class DaysChart:
    """For quarto/charts/days.svg. `counts` are heights and texts; `height` is the whole chart's."""

    counts: Sequence[tuple[float, str]]
    days: Sequence[DayColumn]
    ground: float
    height: int


@dataclass(frozen=True)
class Day:
    """Of one day with answers; `time` is what was recorded in all, `typical` the median of a question's."""

    name: str
    right: str
    time: str
    typical: str


@dataclass(frozen=True)
class Days:
    """`words` say what the chart shows."""

    chart: DaysChart
    words: str
    rows: Sequence[Day]


@dataclass(frozen=True)
class _Counts:
    """Of one day; `ms` are the recorded times without idle ones."""

    date: dt.date
    n: int
    right: int
    wrong: int
    ms: Floats


def days(words: Words, week: Week, answers: Answers) -> Days | None:
    """None where nothing was answered."""
    if not len(answers):
        return None
    counts = [_counts(week.start + dt.timedelta(days=d), answers) for d in range(7)]
    kept = [of for of in counts if of.n]
    return Days(
        chart=_chart(words, counts),
        words=words.text(
            "Answers by day: {days}.",
            days="; ".join(
                words.text("{day} {right} right, {wrong} wrong", day=words.weekday(of.date),
                           right=words.number(of.right, 0), wrong=words.number(of.wrong, 0))
                for of in kept
            ),
        ),
        rows=[_day(words, of) for of in kept],
    )  # fmt: skip


def _counts(date: dt.date, answers: Answers) -> _Counts:
    begins, ends = (calendar.as_numpy(calendar.begin_of(day)) for day in (date, date + dt.timedelta(days=1)))
    of_day = (answers.completed_at >= begins) & (answers.completed_at < ends)
    correct, ms = answers.correct[of_day], active_ms(answers)[of_day]
    return _Counts(date, correct.size, int((correct == 1).sum()), int((correct == 0).sum()), ms[~np.isnan(ms)])


def _chart(words: Words, counts: Sequence[_Counts]) -> DaysChart:
    high = top(max(of.right + of.wrong for of in counts), COUNTS_SHOWN)
    x, y = Axis(-0.5, 6.5, LEFT, RIGHT), Axis(0, high, BOTTOM, TOP)
    columns = [
        DayColumn(
            x=x.at(i),
            wrong=y.at(of.right + of.wrong),
            right=y.at(of.right),
            name=words.weekday_alone(of.date),
            time=words.short_duration(float(of.ms.sum())) if of.ms.size else ("", ""),
        )
        for i, of in enumerate(counts)
    ]
    return DaysChart(
        counts=[(y.at(n), words.number(n, 0)) for n in ticks(0, high, COUNTS_SHOWN)],
        days=columns,
        ground=BOTTOM,
        height=HIGHER if any(day.time[1] for day in columns) else HIGH,
    )


def _day(words: Words, of: _Counts) -> Day:
    scored = of.right + of.wrong
    return Day(
        name=words.weekday(of.date),
        right=words.share(of.right, scored) if scored else NONE,
        time=words.duration(float(of.ms.sum())) if of.ms.size else NONE,
        typical=words.duration(median(of.ms.tolist())) if of.ms.size else NONE,
    )
