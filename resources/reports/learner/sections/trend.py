"""The level over the weeks: rows for the chart `trend`, and the same in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from resources.irt.growth.change import CRITICAL_Z
from resources.model import Week
from resources.reports.charts import Rows
from resources.reports.i18n.wording import Words
from resources.reports.learner.report_input import ReportInput, WeekLevel
from resources.reports.learner.scale import Scale
from resources.reports.learner.sections.points import score_and_margin

WEEKS_SHOWN = 26
DATES_SHOWN = 6  # as many as fit under the chart on a phone
MARGIN = 1.0  # logits around the middle that are always drawn: small changes must not look large


@dataclass(frozen=True)
class Trend:
    """`data` is for quarto/charts/trend.vl.json, whose description names the fields; `words` say the same.

    `held`: a level or its band reaches beyond an end of the scale, and is drawn at it.
    """

    data: Mapping[str, Rows]
    words: str
    single: bool
    gaps: bool
    earlier: str
    held: bool


def trend(words: Words, given: ReportInput) -> Trend | None:
    """The last half year up to this week; None without any estimate. Weeks without one are gaps, not lines."""
    scale, points = given.scale, list(given.history)
    if given.level is not None and (not points or points[-1].week < given.level.week):
        points.append(WeekLevel(given.level.week, given.level.theta, given.level.se, given.level.n_items))
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
        data={
            "weeks": [
                _row(words, scale, i, week, shown.get(week), dated=(n - 1 - i) % stride == 0, last=i == n - 1)
                for i, week in enumerate(weeks)
            ],
            "frame": [
                {"middle": scale.center, "low": scale.points(-MARGIN), "high": scale.points(MARGIN)},
            ],
        },
        words=words.text(
            "Level by week: {levels}.", levels="; ".join(_words(words, scale, point) for point in shown.values())
        ),
        single=len(shown) == 1,
        gaps=len(shown) < len(weeks),
        earlier=words.count(earlier, "{n} level", "{n} levels") if earlier else "",
        held=any(
            scale.beyond(point.theta - CRITICAL_Z * point.se) or scale.beyond(point.theta + CRITICAL_Z * point.se)
            for point in shown.values()
        ),
    )


def _row(
    words: Words, scale: Scale, i: int, week: Week, point: WeekLevel | None, *, dated: bool, last: bool
) -> Mapping[str, object]:
    label = words.short_date(week.start) if dated else ""
    if point is None:
        return {"week": i, "label": label, "level": None, "low": None, "high": None, "last": False}
    return {
        "week": i,
        "label": label,
        "level": round(scale.held(point.theta), 1),
        "low": round(scale.held(point.theta - CRITICAL_Z * point.se), 1),
        "high": round(scale.held(point.theta + CRITICAL_Z * point.se), 1),
        "last": last,
    }


def _words(words: Words, scale: Scale, point: WeekLevel) -> str:
    return f"{words.short_date(point.week.start)} {score_and_margin(words, scale, point.theta, point.se)}"
