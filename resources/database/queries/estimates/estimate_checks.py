"""What checks ask of the estimates, a week at a time. The caller's transaction is the one in force."""

from collections.abc import Sequence
from typing import LiteralString

import sqlalchemy as sa

from resources.database.schema.tables import theta_estimates
from resources.irt.growth.surprise import Innovations
from resources.model import Week


def count(connection: sa.Connection, weeks: Sequence[Week]) -> int:
    """How many estimates these weeks have."""
    of_weeks = theta_estimates.c.week_start.in_([week.start for week in weeks])
    return connection.scalar(sa.select(sa.func.count()).where(of_weeks)) or 0


def users(connection: sa.Connection, week: Week) -> list[str]:
    """Who has an estimate of the week, in no order."""
    return list(
        connection.scalars(sa.select(theta_estimates.c.user_id).where(theta_estimates.c.week_start == week.start))
    )


def implausible(connection: sa.Connection, weeks: Sequence[Week], limit: float) -> list[tuple[str, Week]]:
    """User and week of every estimate of these weeks that is beyond ±`limit` logits, not a number, or has a standard
    error not above 0."""
    query = """
        SELECT user_id, week_start FROM theta_estimates
        WHERE week_start = ANY(%(weeks)s)
            AND (NOT (abs(theta) <= %(limit)s AND se > 0 AND se < 'Infinity') OR theta = 'NaN' OR se = 'NaN')
        ORDER BY user_id COLLATE "C", week_start
    """
    values = {"weeks": [week.start for week in weeks], "limit": limit}
    return [(user_id, Week(start)) for user_id, start in connection.exec_driver_sql(query, values)]


def behind(connection: sa.Connection, weeks: Sequence[Week]) -> list[tuple[str, Week]]:
    """User and week of each estimate of these weeks that is newer than the user's current ability under its bank."""
    query: LiteralString = """
        SELECT e.user_id, e.week_start FROM theta_estimates e
        LEFT JOIN seedtest_mirt_ability m ON m.user_id = e.user_id AND m.version = e.version AND m.model = e.model
        WHERE e.week_start = ANY(%(weeks)s) AND (m.as_of IS NULL OR m.as_of < e.as_of)
        ORDER BY e.user_id COLLATE "C", e.week_start
    """
    rows = connection.exec_driver_sql(query, {"weeks": [week.start for week in weeks]})
    return [(user_id, Week(start)) for user_id, start in rows]


def innovations(connection: sa.Connection, week: Week) -> Innovations | None:
    """What the week's answers told beyond the priors, of all learners whose prior is stored; None without any."""
    query: LiteralString = """
        SELECT count(*), avg(d), avg(d * d), avg(v), avg(v * v) FROM (
            SELECT theta - prior_mean AS d, prior_sd * prior_sd - se * se AS v FROM theta_estimates
            WHERE week_start = %(week)s AND prior_sd IS NOT NULL AND abs(theta) < 'Infinity'
        ) AS learned
    """
    n, d, d2, v, v2 = connection.exec_driver_sql(query, {"week": week.start}).one()
    return Innovations(n, d, d2, v, v2) if n and v > 0 else None
