"""Everything that the document of the weekly report can name, for one learner and week. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from resources.model import SYNTHETIC
from resources.reports.report_input import ReportInput
from resources.reports.sections.level import Change, LevelView, NoLevel, change, level_view, no_level
from resources.reports.sections.practice import Practice, practice
from resources.reports.sections.teacher import Fact, facts
from resources.reports.sections.topics import Topics, topics
from resources.reports.sections.trend import Trend, trend
from resources.reports.wording import Words, name


@dataclass(frozen=True)
class View:
    """The fields are the names in the document. None or empty hides the section that asks for it."""

    synthetic: bool
    user: str
    week: str
    window: str
    as_of: str
    level: LevelView | None
    no_level: NoLevel | None
    first_level: bool
    change: Change | None
    trend: Trend | None
    practice: Practice | None
    topics: Topics | None
    facts: Sequence[Fact]


def view(words: Words, given: ReportInput) -> View:
    level = given.level
    changed = change(words, given)
    return View(
        synthetic=given.user_id.startswith(SYNTHETIC),
        user=name(given.user_id),
        week=words.week(given.week),
        window=words.days(given.window_days),
        as_of=words.instant(given.as_of),
        level=level_view(words, level, given.bank) if level else None,
        no_level=None if level else no_level(words, given),
        first_level=level is not None and changed is None,
        change=changed,
        trend=trend(words, given),
        practice=practice(words, given.answers),
        topics=topics(words, given),
        facts=facts(words, given),
    )
