"""What the learner wants to reach, and the chance of it where it can be told."""

import datetime as dt
from dataclasses import dataclass

from resources import calendar
from resources.irt.growth.change import CRITICAL_Z
from resources.irt.growth.outlook import Outlook
from resources.reports.i18n.wording import Words
from resources.reports.learner.report_input import ReportInput

SURELY = 0.99  # beyond it no chance is told: the model is not so sure of itself


@dataclass(frozen=True)
class GoalView:
    """`chance`, `least` and `most` (at the ends of its interval), and the level `expected` then, between `low` and
    `high`: all empty where nothing can be told. `away` is how far the level is below the goal, if it is."""

    score: str
    by: str
    away: str
    expected: str
    low: str
    high: str
    chance: str
    least: str
    most: str


def goal(words: Words, given: ReportInput) -> GoalView | None:
    """None without a goal, without a level, and once the day is over."""
    aim, level, scale = given.goal, given.level, given.scale
    if aim is None or level is None or aim.by < given.week.plus(1).start:
        return None
    away = aim.score - scale.points(level.theta)
    told = GoalView(
        words.number(aim.score, 0), words.date(aim.by), words.number(away, 0) if away >= 1 else "", *[""] * 6
    )
    weeks = (calendar.begin_of(aim.by + dt.timedelta(days=1)) - level.week.ends_at) / dt.timedelta(weeks=1)
    ahead = Outlook(level.theta, level.se, weeks, *given.group)
    if not ahead.can_be_told:
        return told
    found = ahead.chance((aim.score - scale.center) / scale.per_logit)
    ends = (ahead.mean_then + step * CRITICAL_Z * ahead.sd_then for step in (0, -1, 1))
    expected, low, high = (words.number(scale.held(end), 0) for end in ends)
    chance, least, most = (
        words.percent(min(max(one, 1 - SURELY), SURELY)) for one in (found.chance, found.low, found.high)
    )
    return GoalView(told.score, told.by, told.away, expected, low, high, chance, least, most)
