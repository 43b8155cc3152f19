"""Of whom a class report says what: by the verdicts of the learners' own reports, and by nothing else.

Both verdicts are `resources.irt.growth.change`'s: over the last four weeks, and since the first ones.
"""

from collections.abc import Sequence
from typing import Literal

from resources.irt.growth.change import DOWN, UP
from resources.reports.classes.class_input import Learner
from resources.reports.learner.report_input import Change, Level
from resources.reports.learner.sections.level import enough

# Of learners whose ability has not changed, each comparison calls so many up, and as many down (`change`).
ERROR_RATE = 0.025

Said = Literal["down", "up", "stuck", "open", "too little"]


def level_of(learner: Learner) -> Level | None:
    """None where it rests on too few answers to be shown."""
    return learner.level if learner.level and enough(learner.level) else None


def changes_of(learner: Learner) -> Sequence[Change]:
    """Those that are told of the learner; none without a level to show."""
    told = (learner.change, learner.change_since_start) if level_of(learner) else ()
    return [change for change in told if change]


def said_of(learner: Learner) -> Said:
    """ "stuck": has answered for eight weeks and more, and neither comparison says up. "open": younger than that, and
    no change can be told. "too little": no comparison can be made. Down before up, where both are said."""
    verdicts = {change.verdict for change in changes_of(learner)}
    if not verdicts:
        return "too little"
    if DOWN in verdicts:
        return "down"
    if UP in verdicts:
        return "up"
    return "stuck" if learner.change_since_start else "open"
