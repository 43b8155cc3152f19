"""Everything that the document of the weekly report can name, for one learner and week. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from resources import calendar
from resources.model import SYNTHETIC, Edition
from resources.reports.i18n.wording import Words, name
from resources.reports.learner.person_fit import UNUSUAL, person_fit
from resources.reports.learner.report_input import ReportInput
from resources.reports.learner.sections.can_do import CanDo, can_do
from resources.reports.learner.sections.days import Days, days
from resources.reports.learner.sections.goal import GoalView, goal
from resources.reports.learner.sections.item_map import ItemMap, item_map
from resources.reports.learner.sections.level import (
    ChangeView,
    LevelView,
    NoLevel,
    StandingView,
    TooFew,
    change_view,
    enough,
    level_view,
    no_level,
    standing_view,
    too_few,
)
from resources.reports.learner.sections.next_items import NextItems, next_items
from resources.reports.learner.sections.performance import Performance, performance
from resources.reports.learner.sections.practice import Practice, practice
from resources.reports.learner.sections.summary import Lead, lead
from resources.reports.learner.sections.teacher import Fact, facts
from resources.reports.learner.sections.topics import Topics, topics
from resources.reports.learner.sections.trend import Trend, trend
from resources.reports.learner.sections.wrong import Wrong, wrong


@dataclass(frozen=True)
class View:
    """The fields are the names in the document. None or empty hides the section that asks for it."""

    edition: Edition
    synthetic: bool
    user: str
    week: str
    window: str
    as_of: str
    lead: Lead
    brief: bool
    last_seen: str
    level: LevelView | None
    performance: Performance | None
    standing: StandingView | None
    too_few: TooFew | None
    no_level: NoLevel | None
    change: ChangeView | None
    since_start: ChangeView | None
    trend: Trend | None
    practice: Practice | None
    days: Days | None
    wrong: Wrong | None
    topics: Topics | None
    item_map: ItemMap | None
    next_items: NextItems | None
    can_do: CanDo | None
    goal: GoalView | None
    facts: Sequence[Fact]
    unusual: bool


def view(words: Words, given: ReportInput, edition: Edition = "learner") -> View:
    """Exact numbers and person fit are in the teacher's edition alone."""
    few = too_few(words, given.level) if given.level else None
    unmeasured = given.level is None
    # Nothing is shown that rests on fewer answers than a first level.
    given = replace(given, level=None if few else given.level, history=[past for past in given.history if enough(past)])
    level = given.level
    changed = change_view(words, given.change, given.scale) if level else None
    fit = person_fit(given) if edition == "teacher" else None
    return View(
        edition=edition,
        synthetic=given.user_id.startswith(SYNTHETIC),
        user=name(given.name or given.user_id),
        week=words.week(given.week),
        window=words.days(given.window_days),
        as_of=words.instant(given.as_of),
        lead=lead(given, changed, few),
        brief=given.brief,
        last_seen=words.date(calendar.day_of(given.last_answered_at)) if given.brief and given.last_answered_at else "",
        level=level_view(words, level, given.week, given.bank, given.scale) if level else None,
        performance=performance(words, level, given.scale) if level else None,
        standing=standing_view(words, given.standing) if level and given.standing and not given.brief else None,
        too_few=few,
        no_level=no_level(words, given) if unmeasured else None,
        change=changed,
        since_start=change_view(words, given.change_since_start, given.scale) if level else None,
        trend=None if given.brief else trend(words, given),
        practice=practice(words, given.answers),
        days=days(words, given.week, given.answers),
        wrong=wrong(words, given),
        topics=None if given.brief else topics(words, given),
        item_map=item_map(words, given),
        next_items=next_items(words, given),
        can_do=None if given.brief else can_do(words, given),
        goal=None if given.brief else goal(words, given),
        facts=facts(words, given, fit) if edition == "teacher" else (),
        unusual=fit is not None and fit.lz_star < UNUSUAL,
    )
