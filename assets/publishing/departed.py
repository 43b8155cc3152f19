"""Learners who are gone from the platform: after a time of grace their results go, files first, rows after them.

The grace begins when a run first misses them, so that a table which is being restored takes nobody's reports away.
Their frozen answers go as all answers that were taken back: when the sensor `due_weeks` has the weeks frozen anew.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from assets.selection import SelectedUsers
from assets.user_keys import UserKeys
from resources.artifacts.store import ArtifactStore, report_key
from resources.database.engine import transaction
from resources.database.queries.learners import departed_learners
from resources.database.queries.reports import report_artifacts
from resources.errors import OperatorRequired

_AT_ONCE = 100  # learners per transaction: what a killed run did stays


@dataclass(frozen=True)
class Departed:
    """Learners who are `missing` and keep their results for now, and what was removed of those who kept them long
    enough."""

    missing: int = 0
    learners: int = 0
    estimates: int = 0
    reports: int = 0


def remove_departed(
    engine: sa.Engine,
    store: ArtifactStore,
    users: SelectedUsers,
    user_keys: UserKeys,
    chosen: Collection[str],
    grace: dt.timedelta,
    now: dt.datetime,
) -> Departed:
    """Of the learners behind the chosen user keys. `users` are the platform's, all of them. Safe to do again.

    Raises:
        OperatorRequired: the platform has no learner at all, while there are results here.
        RetryLater, StoreRefuses: of the store or the database; what was removed before stays removed.
    """
    present = {user_id for of_key in users.by_key.values() for user_id in of_key}
    with transaction(engine) as connection:
        known = departed_learners.with_results(connection)
        if known and not present:
            raise OperatorRequired(
                f"The platform has no learner at all, and {len(known):,} have results here",
                where="exam_results",
                remedy="see that the table is whole, and run again.",
                outcome="Nobody's results were removed.",
            )
        since = departed_learners.noticed(connection)
        missing = [user_id for user_id in known if user_id not in present and user_keys.key_of(user_id) in chosen]
        departed_learners.notice(connection, missing, now)
        departed_learners.forget_notices(connection, sorted(since.keys() & present))
    due = [user_id for user_id in missing if since.get(user_id, now) <= now - grace]
    n_estimates = n_reports = 0
    for start in range(0, len(due), _AT_ONCE):
        reports, estimates = remove(engine, store, due[start : start + _AT_ONCE])
        n_reports, n_estimates = n_reports + reports, n_estimates + estimates
    return Departed(len(missing) - len(due), len(due), n_estimates, n_reports)


def remove(engine: sa.Engine, store: ArtifactStore, user_ids: Sequence[str]) -> tuple[int, int]:
    """The files of their reports, then every row of theirs; returns how many reports and estimates. Safe to do again.

    Raises:
        RetryLater, StoreRefuses: of the store or the database; the rows are as they were.
    """
    with transaction(engine) as connection:
        rows = [row for user_id in user_ids for row in report_artifacts.of_user(connection, user_id) if row.sha256]
    for row in rows:
        store.delete(report_key(row.week, row.user_id, row.format, row.edition))
    with transaction(engine) as connection:
        return len(rows), departed_learners.remove(connection, user_ids)
