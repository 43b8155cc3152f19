"""The level over the weeks: rows for the chart `trend`, and the same in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from resources.model import Week
from resources.reports.report_input import ReportInput, WeekLevel
from resources.reports.wording import Words

WEEKS_SHOWN = 26
DATES_SHOWN = 6  # as many as fit under the chart on a phone

Row = Mapping[str, float | str | bool | None]


@dataclass(frozen=True)
class Trend:
    """`rows` are for quarto/charts/trend.vl.json, whose description names the fields; `words` say the same."""

    rows: Sequence[Row]
    words: str
    single: bool
    gaps: bool
    earlier: str


def trend(words: Words, given: ReportInput) -> Trend | None:
    """The last half year up to this week; None without any estimate. Weeks without one are gaps, not lines."""
    points = list(given.history)
    if given.level is not None and (not points or points[-1].week < given.week):
        points.append(WeekLevel(given.week, given.level.theta, given.level.se))
    if not points:
        return None
    first = max(points[0].week, given.week.plus(1 - WEEKS_SHOWN))
    shown = {point.week: point for point in points if point.week >= first}
    if not shown:  # the last estimate is more than half a year old
        return None
    weeks = list(first.through(given.week))
    n, earlier = len(weeks), len(points) - len(shown)
    stride = -(-n // DATES_SHOWN)
    return Trend(
        rows=[
            _row(words, i, week, shown.get(week), dated=(n - 1 - i) % stride == 0, last=i == n - 1)
            for i, week in enumerate(weeks)
        ],
        words=words.text(
            "Level by week: {levels}.", levels="; ".join(_words(words, point) for point in shown.values())
        ),
        single=len(shown) == 1,
        gaps=len(shown) < len(weeks),
        earlier=words.count(earlier, "{n} level", "{n} levels") if earlier else "",
    )


def _row(words: Words, i: int, week: Week, point: WeekLevel | None, dated: bool, last: bool) -> Row:
    label = words.short_date(week.start) if dated else ""
    if point is None:
        return {"week": i, "label": label, "theta": None, "low": None, "high": None, "last": False}
    return {
        "week": i,
        "label": label,
        "theta": round(point.theta, 4),
        "low": round(point.theta - point.se, 4),
        "high": round(point.theta + point.se, 4),
        "last": last,
    }


def _words(words: Words, point: WeekLevel) -> str:
    return f"{words.short_date(point.week.start)} {words.number(point.theta)} ± {words.number(point.se)}"
