"""Class reports that name a learner who is gone for good go. Those of old weeks go with the learners' own
(`assets/publishing/retention.py`).

Files first, rows after them: a killed run leaves rows without files, which a rerun takes away.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from resources.artifacts.store import ArtifactStore, class_report_key
from resources.database.engine import transaction
from resources.database.queries.learners import departed_learners, learner_groups
from resources.database.queries.reports import class_reports
from resources.database.queries.sessions import attempts
from resources.model import ClassArtifact


def naming_departed(engine: sa.Engine, store: ArtifactStore) -> list[ClassArtifact]:
    """Those that name somebody who is not on the platform, in no group, and whose time of grace is over.

    They can be made again, and then do without.
    """
    with transaction(engine) as connection:
        known = {*attempts.users(connection), *departed_learners.noticed(connection)}
        known |= {member.user_id for members in learner_groups.learners(connection).values() for member in members}
        gone = class_reports.named(connection) - known
        found = class_reports.naming(connection, gone) if gone else []
    return [row for row in found if row.url == store.address(_key(row))]


def remove(engine: sa.Engine, store: ArtifactStore, old: Sequence[ClassArtifact]) -> None:
    """Files and rows are gone. Safe to do again.

    Raises:
        RetryLater, StoreRefuses: of the store or the database; rows of files that are gone may be left.
    """
    for row in old:
        store.delete(_key(row))
    with transaction(engine) as connection:
        class_reports.forget(connection, old)


def _key(row: ClassArtifact) -> str:
    return class_report_key(row.week, row.group, row.format)
