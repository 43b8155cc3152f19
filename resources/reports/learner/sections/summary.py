"""The week in one sentence: which one."""

from typing import Literal

from resources.reports.learner.report_input import ReportInput
from resources.reports.learner.sections.level import Change

Lead = Literal[
    "up", "maybe up", "within", "maybe down", "down",
    "first", "without answers", "no level", "nothing",
]  # fmt: skip


def lead(given: ReportInput, change: Change | None) -> Lead:
    """By the verdict on the change where the learner answered and has one."""
    practised = len(given.answers) > 0
    if given.level is None:
        return "no level" if practised else "nothing"
    if not practised:
        return "without answers"
    return change.verdict if change else "first"
