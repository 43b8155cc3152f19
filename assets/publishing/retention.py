"""How long reports are kept, of learners and of classes: those of old weeks go, a week at a time.

Files first, rows after them: a killed run leaves rows without files, which a rerun takes away and `agreement` finds.
"""

import datetime as dt
from collections.abc import Iterator
from functools import partial
from itertools import takewhile

import sqlalchemy as sa

from assets.publishing.report_inventory import WeekInventory, inventory
from resources.artifacts.ordered_pool import OrderedPool
from resources.artifacts.store import ArtifactStore
from resources.database.engine import transaction
from resources.database.queries.reports import class_reports, report_artifacts, reported_weeks
from resources.progress import Progress


def outdated(engine: sa.Engine, store: ArtifactStore, before: dt.date) -> Iterator[WeekInventory]:
    """The weeks that were over by `before`, ascending."""
    return takewhile(lambda of_week: of_week.week.plus(1).start <= before, inventory(engine, store))


def remove(engine: sa.Engine, store: ArtifactStore, old: WeekInventory, progress: Progress) -> None:
    """The week's files and their rows are gone; rows that name another store stay. Safe to do again.

    They do not come back as reports that are out of date; a run over the week makes them.

    Raises:
        RetryLater, StoreRefuses: of the store or the database; the week's rows are as they were.
    """
    with OrderedPool() as pool:
        deleted = pool.in_order((key, partial(store.delete, key)) for key in sorted(old.files))
        for done, (_, deletion) in enumerate(deleted, 1):
            deletion.result()
            progress(f"files of {old.week}", done, len(old.files))
    with transaction(engine) as connection:
        gone = [store.address(key) for key in {*old.rows, *old.files}]
        report_artifacts.forget(connection, old.week, gone)
        class_reports.forget_addresses(connection, old.week, gone)
        reported_weeks.forget(connection, old.week)
