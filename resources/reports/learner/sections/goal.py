"""What the learner wants to reach, and the chance of it where it can be told."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Literal

from resources import calendar
from resources.irt.growth.change import CRITICAL_Z
from resources.irt.growth.outlook import Outlook
from resources.reports.i18n.wording import Words
from resources.reports.learner.report_input import ReportInput

SURELY = 0.99  # beyond it no chance is told: the model is not so sure of itself


@dataclass(frozen=True)
class GoalView:
    """`away` is how far the level is below the goal, if it is. The others are empty where nothing can be told: the
    level `expected` then, between `low` and `high`; the `chance` of the goal, and at the ends of its interval; and
    whether that is `extreme`, below 1 % or above 99 %."""

    score: str
    by: str
    away: str
    expected: str = ""
    low: str = ""
    high: str = ""
    chance: str = ""
    least: str = ""
    most: str = ""
    extreme: Literal["", "unlikely", "likely"] = ""


def goal(words: Words, given: ReportInput) -> GoalView | None:
    """None without a goal, without a level, and once the day is over."""
    aim, level, scale = given.goal, given.level, given.scale
    if aim is None or level is None or aim.by < given.week.plus(1).start:
        return None
    away = aim.score - scale.points(level.theta)
    told = GoalView(words.number(aim.score, 0), words.date(aim.by), words.number(away, 0) if away >= 1 else "")
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
    extreme: Literal["", "unlikely", "likely"] = ""
    if not 1 - SURELY <= found.chance <= SURELY:
        extreme = "likely" if found.chance > SURELY else "unlikely"
    return replace(
        told, expected=expected, low=low, high=high, chance=chance, least=least, most=most, extreme=extreme
    )  # fmt: skip
