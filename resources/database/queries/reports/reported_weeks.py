"""From which abilities the reports of a week were made, by user key: which are out of date is known from a few rows,
without a look at a single report.

A week's fingerprint (`made_weeks`) is of its answers and of all that came before, so it is another one as soon as any
learner's history is. The caller's transaction is the one in force.
"""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from resources.database.schema.tables import ability_weeks
from resources.model import Week


def record(connection: sa.Connection, week: Week, fingerprints: Mapping[str, str]) -> None:
    """Reports were made for everybody of these user keys, from abilities with these fingerprints."""
    keys = sorted(fingerprints)
    connection.exec_driver_sql(
        "UPDATE ability_weeks w SET reported = made.fingerprint "
        "FROM unnest(%(keys)s::text[], %(fingerprints)s::text[]) AS made (user_key, fingerprint) "
        "WHERE w.week_start = %(week)s AND w.user_key = made.user_key",
        {"week": week.start, "keys": keys, "fingerprints": [fingerprints[key] for key in keys]},
    )


def outdated(connection: sa.Connection) -> dict[Week, Sequence[str]]:
    """User keys, sorted, by week, ascending, of which reports were made, and from abilities that are others now."""
    query = (
        sa.select(ability_weeks.c.week_start, ability_weeks.c.user_key)
        .where(ability_weeks.c.reported != ability_weeks.c.fingerprint)
        .order_by(ability_weeks.c.week_start, sa.collate(ability_weeks.c.user_key, "C"))
    )
    found: dict[Week, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(Week(row.week_start), []).append(row.user_key)
    return dict(found)


def made(connection: sa.Connection, week: Week) -> list[str]:
    """User keys of which the week's reports were made, in no order."""
    query = sa.select(ability_weeks.c.user_key).where(
        ability_weeks.c.week_start == week.start, ability_weeks.c.reported.is_not(None)
    )
    return list(connection.scalars(query))


def newest(connection: sa.Connection) -> Week | None:
    """The newest week of which reports were made for any user key."""
    start = connection.scalar(
        sa.select(sa.func.max(ability_weeks.c.week_start)).where(ability_weeks.c.reported.is_not(None))
    )
    return None if start is None else Week(start)


def forget(connection: sa.Connection, week: Week) -> None:
    """The week's reports are not kept any longer: they are out of date no more."""
    connection.execute(sa.update(ability_weeks).where(ability_weeks.c.week_start == week.start).values(reported=None))
