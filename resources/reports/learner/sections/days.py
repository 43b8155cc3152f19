"""The rhythm of the week, Monday to Sunday (UTC): the chart `days`, the same in words, and the exact numbers."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from resources.answers.answers import Answers
from resources.model import Floats, Week
from resources.reports.charts import Rows
from resources.reports.i18n.wording import NONE, Words

MS_PER_MINUTE = 60_000


@dataclass(frozen=True)
class Day:
    """Of one day with answers; `time` is what was recorded in all, `typical` the median of a question's."""

    name: str
    right: str
    time: str
    typical: str


@dataclass(frozen=True)
class Days:
    """`data` is for quarto/charts/days.vl.json, whose description names the fields; `words` say the same."""

    data: Mapping[str, Rows]
    words: str
    rows: Sequence[Day]


@dataclass(frozen=True)
class _Counts:
    """Of one day; `ms` are the recorded times."""

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
        data={
            "days": [_row(words, i, of) for i, of in enumerate(counts)],
            "frame": [{"right_text": words.text("Right"), "wrong_text": words.text("Wrong")}],
        },
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
    of_day = answers.completed_at.astype("datetime64[D]") == np.datetime64(date)
    correct, ms = answers.correct[of_day], answers.response_time_ms[of_day]
    return _Counts(date, correct.size, int((correct == 1).sum()), int((correct == 0).sum()), ms[~np.isnan(ms)])


def _row(words: Words, i: int, of: _Counts) -> Mapping[str, object]:
    minutes = words.number(max(float(of.ms.sum()) / MS_PER_MINUTE, 1), 0) if of.ms.size else ""
    return {
        "day": i,
        "name": words.weekday_alone(of.date),
        "right": of.right,
        "answered": of.right + of.wrong,
        "minutes": words.text("{n} min", n=minutes) if minutes else "",
    }


def _day(words: Words, of: _Counts) -> Day:
    scored = of.right + of.wrong
    return Day(
        name=words.weekday(of.date),
        right=words.share(of.right, scored) if scored else NONE,
        time=words.duration(float(of.ms.sum())) if of.ms.size else NONE,
        typical=words.duration(median(of.ms.tolist())) if of.ms.size else NONE,
    )
