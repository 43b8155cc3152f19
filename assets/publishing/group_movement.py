"""How the group moved in the last weeks, for what learners' reports say of the weeks ahead."""

import math

import sqlalchemy as sa

from resources.database.queries.estimates import populations
from resources.model import Week
from resources.reports.learner.report_input import GroupMovement

WEEKS = 12  # a term; what the group did before says little of what it will do


def group_movement(connection: sa.Connection, week: Week) -> GroupMovement:
    """Of those of the WEEKS up to this one in which enough learners answered, or the drift was given. Rounded: a page
    shows whole percents."""
    known = populations.until(connection, week)
    told = [of.population for of_week, of in known.items() if of_week > week.plus(-WEEKS)]
    told = [of for of in told if of.enough or of.drift_is_given]
    if not told:
        return GroupMovement()
    ses = (0.0 if math.isnan(of.drift_se) else round(of.drift_se, 9) for of in told)
    return GroupMovement(tuple(round(of.drift, 9) for of in told), tuple(ses), round(told[-1].tau, 9))
