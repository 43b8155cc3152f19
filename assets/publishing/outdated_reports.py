"""A run's reports: those that were asked for, then those of other weeks whose learners' history has changed since.

So it does not matter in which order weeks are made, or when an answer is corrected: whichever run comes last finds what
the others have left behind. Stays out: Dagster.
"""

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from assets.abilities.scoring import ScoringRules
from assets.abilities.windows import windows
from assets.publishing.publisher import Publisher
from assets.publishing.usual_times import usual_times
from assets.selection import SelectedUsers, Selection
from assets.user_keys import UserKeys
from resources.database.engine import transaction
from resources.database.queries.estimates import made_weeks
from resources.database.queries.reports import reported_weeks
from resources.model import Week
from resources.warehouse.warehouse import Warehouse


def outdated(engine: sa.Engine, chosen: Selection, first_week: Week) -> Selection:
    """Weeks and user keys, of the chosen keys, whose reports were made from abilities that are others now."""
    with transaction(engine) as connection:
        found = reported_weeks.outdated(connection)
    return Selection({week: keys for week, keys in found.items() if week >= first_week}).only(set(chosen.user_keys))


def publish(
    publisher: Publisher,
    chosen: Selection,
    users: SelectedUsers,
    keys: UserKeys,
    rules: ScoringRules,
    first_week: Week,
    warehouse: Warehouse,
    done: Callable[[int], None],
) -> None:
    """The reports of the chosen weeks; where they are made for everybody of a user key, it is kept from what.

    What they are made from is read before the abilities: if it changes in between, they are found to be out of date.
    """
    with transaction(publisher.engine) as connection:
        made_from = made_weeks.read(connection)
    usual: dict[Week, Mapping[str, float]] = {}
    for window in windows(chosen, users, rules, first_week, warehouse):
        if "teacher" in publisher.editions and window.week not in usual:
            usual[window.week] = usual_times(warehouse, first_week, window.week, users.by_key.keys())
        before, usual_ms = len(publisher.failed), usual.get(window.week, {})
        publisher.publish(window.week, window.learners, window.answers, window.counted, done, usual_ms)
        if users.only is not None:
            continue
        failed = {keys.key_of(failure.user_id) for failure in publisher.failed[before:]}
        whole = [key for key in window.keys if key not in failed and (window.week, key) in made_from]
        with transaction(publisher.engine) as connection:
            fingerprints = {key: made_from[window.week, key].fingerprint for key in whole}
            reported_weeks.record(connection, window.week, fingerprints)
