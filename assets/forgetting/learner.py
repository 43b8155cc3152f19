"""One learner is gone from here: what would go, and its removal, files first and rows after them.

A killed removal is finished by the next: files are found in the stores themselves, and the rows that name them go last.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from assets.classes import retention as class_retention
from assets.forgetting import frozen_answers
from assets.publishing import departed
from resources.artifacts.store import ArtifactStore, class_report_key, learner_keys
from resources.database.engine import transaction
from resources.database.queries.estimates import made_weeks
from resources.database.queries.learners import departed_learners
from resources.database.queries.reports import class_reports, report_artifacts
from resources.database.queries.sessions import ignored_learners, session_versions
from resources.model import Week, safe_key
from resources.warehouse.warehouse import Warehouse


@dataclass(frozen=True)
class Stores:
    """Those in force first, then those that this deployment wrote to before."""

    artifacts: Sequence[ArtifactStore]
    warehouses: Sequence[Warehouse]


@dataclass(frozen=True)
class Traces:
    """What there is of a learner, and in `elsewhere` the addresses of files that nothing here can reach."""

    report_files: int
    class_reports: int
    frozen_answers: int
    frozen_weeks: Sequence[Week]
    rows: Mapping[str, int]
    elsewhere: Sequence[str]
    platform_sessions: int
    predecessors_rows: int

    @property
    def any(self) -> bool:
        """Whether there is anything to remove."""
        return bool(self.report_files or self.class_reports or self.frozen_weeks or self.rows)


def find(engine: sa.Engine, stores: Stores, user_id: str) -> Traces:
    """Changes nothing."""
    files = {store.address(key) for store in stores.artifacts for key in learner_keys(store, user_id)}
    frozen = [found for warehouse in stores.warehouses for found in frozen_answers.find(warehouse, user_id)]
    with transaction(engine) as connection:
        named = class_reports.naming(connection, [user_id])
        own_keys = {
            "ability_weeks": made_weeks.n_of_key(connection, safe_key(user_id)),
            "session_versions": session_versions.n_of_key(connection, safe_key(user_id)),
        }
        rows = departed_learners.rows(connection, user_id) | {name: n for name, n in own_keys.items() if n}
        reports = [row for row in report_artifacts.of_user(connection, user_id) if row.sha256]
        sessions, predecessors = departed_learners.left(connection, user_id)
    ours = tuple(store.address("reports").removesuffix("reports") for store in stores.artifacts)
    urls = [row.url for row in reports] + [row.url for row in named]
    elsewhere = sorted(url for url in urls if not url.startswith(ours))
    weeks = sorted({found.week for found in frozen})
    n_answers = sum(found.n for found in frozen)
    return Traces(len(files), len(named), n_answers, weeks, rows, elsewhere, sessions, predecessors)


def remove(engine: sa.Engine, stores: Stores, user_id: str) -> None:
    """Everything that `find` tells of is gone, but what lies elsewhere and what is not ours. Safe to do again.

    Raises:
        RetryLater, StoreRefuses, OperatorRequired: of a store or the database; what was removed before stays removed.
    """
    for store in stores.artifacts:
        for key in list(learner_keys(store, user_id)):
            store.delete(key)
    with transaction(engine) as connection:
        named = class_reports.naming(connection, [user_id])
    for copies in stores.artifacts[1:]:
        for row in named:
            copies.delete(class_report_key(row.week, row.group, row.format))
    class_retention.remove(engine, stores.artifacts[0], named)
    for warehouse in stores.warehouses:
        for week in warehouse.weeks():
            frozen_answers.remove(engine, warehouse, week, user_id)
    departed.remove(engine, stores.artifacts[0], [user_id])
    with transaction(engine) as connection:
        made_weeks.forget_key(connection, safe_key(user_id))
        session_versions.forget_key(connection, safe_key(user_id))


def ignore(engine: sa.Engine, user_id: str, at: dt.datetime) -> None:
    """The learner's sessions are not read any more. What an update on demand stored since `remove` goes with it; one
    that ends after this is taken for a learner who is gone from the platform, and removed after the time of grace."""
    with transaction(engine) as connection:
        ignored_learners.ignore(connection, user_id, at)
        departed_learners.remove(connection, [user_id])
