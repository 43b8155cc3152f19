"""The level over the weeks: the chart `trend`, and the same in words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from resources.irt.growth.change import CRITICAL_Z
from resources.model import Week
from resources.reports.i18n.wording import Words
from resources.reports.learner.axis import Axis, path, ticks
from resources.reports.learner.report_input import ReportInput, WeekLevel
from resources.reports.learner.scale import Scale
from resources.reports.learner.sections.points import score_and_margin

WEEKS_SHOWN = 26
WEEKS_IN_A_TABLE = 8
DATES_SHOWN = 6  # as many as fit under the chart on a phone
SCORES_SHOWN = 6
MARGIN = 1.0  # logits around the middle that are always drawn: small changes must not look large
LEFT, RIGHT, TOP, BOTTOM = 72.0, 526.0, 12.0, 222.0  # where weeks and scores stand in quarto/charts/trend.svg


@dataclass(frozen=True)
class TrendChart:
    """For quarto/charts/trend.svg. `scores` are heights and texts, `dates` places and texts, `dots` places and whether
    it is the report's own week; the others are paths, `reaches` those of each week's interval."""

    scores: Sequence[tuple[float, str]]
    dates: Sequence[tuple[float, str]]
    middle: float
    band: str
    reaches: str
    line: str
    dots: Sequence[tuple[float, float, bool]]


@dataclass(frozen=True)
class TrendRow:
    week: str
    level: str


@dataclass(frozen=True)
class Trend:
    """`words` say what the chart shows, and so do the `newest` weeks in a mail, which has no chart. `held`: a level or
    its band reaches beyond an end of the scale, and is drawn at it."""

    chart: TrendChart
    words: str
    single: bool
    gaps: bool
    earlier: str
    held: bool
    newest: Sequence[TrendRow]


@dataclass(frozen=True, slots=True)
class _Point:
    """A week's place, and the heights of its level and of the ends of its interval."""

    x: float
    level: float
    low: float
    high: float


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
    earlier = len(points) - len(shown)
    return Trend(
        chart=_chart(words, scale, weeks, shown),
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
        newest=[
            TrendRow(words.week(point.week), score_and_margin(words, scale, point.theta, point.se))
            for point in reversed(list(shown.values())[-WEEKS_IN_A_TABLE:])
        ],
    )


def _chart(words: Words, scale: Scale, weeks: Sequence[Week], shown: Mapping[Week, WeekLevel]) -> TrendChart:
    held = {
        week: tuple(scale.held(point.theta + step * point.se) for step in (0, -CRITICAL_Z, CRITICAL_Z))
        for week, point in shown.items()
    }
    low = min(scale.points(-MARGIN), *(of_week[1] for of_week in held.values()))
    high = max(scale.points(MARGIN), *(of_week[2] for of_week in held.values()))
    n = len(weeks)
    x = Axis(0, n - 1, LEFT, RIGHT) if n > 1 else Axis(-1, 1, LEFT, RIGHT)
    y = Axis(low, high, BOTTOM, TOP)
    drawn = [_Point(x.at(i), *map(y.at, held[week])) if week in held else None for i, week in enumerate(weeks)]
    runs = list(_runs(drawn))
    stride = -(-n // DATES_SHOWN)
    return TrendChart(
        scores=[(y.at(at), words.number(at, 0)) for at in ticks(low, high, SCORES_SHOWN)],
        dates=[(x.at(i), words.short_date(weeks[i].start)) for i in range(n - 1, -1, -stride)],
        middle=y.at(scale.center),
        band="".join(map(_band, runs)),
        reaches="".join(f"M{of.x:.1f} {of.low:.1f}V{of.high:.1f}" for run in runs for of in run),
        line="".join(path((of.x, of.level) for of in run) for run in runs),
        dots=[(of.x, of.level, of is drawn[-1]) for run in runs for of in run],
    )


def _runs(points: Sequence[_Point | None]) -> Iterator[list[_Point]]:
    """Neighbouring weeks with a level."""
    run: list[_Point] = []
    for point in [*points, None]:
        if point:
            run.append(point)
        elif run:
            yield run
            run = []


def _band(run: Sequence[_Point]) -> str:
    return path([*((of.x, of.high) for of in run), *((of.x, of.low) for of in reversed(run))]) + "Z"


def _words(words: Words, scale: Scale, point: WeekLevel) -> str:
    return f"{words.short_date(point.week.start)} {score_and_margin(words, scale, point.theta, point.se)}"
