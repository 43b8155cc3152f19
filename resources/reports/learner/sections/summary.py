"""The week in one sentence: which one."""

from typing import Literal

from resources.reports.learner.report_input import ReportInput
from resources.reports.learner.sections.level import ChangeView, TooFew

Lead = Literal["up", "down", "not enough to tell", "measured", "too few", "without answers", "no level", "nothing"]


def lead(given: ReportInput, change: ChangeView | None, too_few: TooFew | None) -> Lead:
    """By the verdict on change where there is one, else by what there is."""
    practised = len(given.answers) > 0
    if too_few and practised:
        return "too few"
    if given.level is None:
        return "no level" if practised else "nothing"
    if not practised:
        return "without answers"
    return change.verdict if change else "measured"
