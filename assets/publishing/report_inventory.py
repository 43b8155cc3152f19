"""What is kept of the reports: files and rows, side by side."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import sqlalchemy as sa

from resources.artifacts.store import ArtifactStore, report_key, week_of
from resources.database.engine import transaction
from resources.database.queries import report_artifacts
from resources.model import Week


@dataclass(frozen=True)
class WeekInventory:
    """A week's reports by the keys of their files: `files` that are there, and the SHA-256 in each row (None: it has
    none). `elsewhere` counts rows that name another store, such as the one before: nothing is known of their files."""

    week: Week
    files: set[str]
    rows: dict[str, str | None]
    elsewhere: int


def inventory(engine: sa.Engine, store: ArtifactStore) -> Iterator[WeekInventory]:
    """Every week that has files or rows, ascending, one in memory at a time. What is no report's file is passed over.

    A week's files are listed before its rows are read, so that a report which is made meanwhile may lack a row and
    never a file.
    """
    with transaction(engine) as connection:
        recorded: list[tuple[Week, set[str]]] = [(week, set()) for week in report_artifacts.weeks(connection)]
    for week, found in groupby(heapq.merge(_listed(store), recorded, key=itemgetter(0)), key=itemgetter(0)):
        files = set[str]().union(*(keys for _, keys in found))
        with transaction(engine) as connection:
            rows = report_artifacts.of_week(connection, week)
        by_key = {report_key(week, row.user_id, row.format, row.edition): row for row in rows}
        ours = {key: row.sha256 for key, row in by_key.items() if row.url == store.address(key)}
        yield WeekInventory(week, files, ours, len(rows) - len(ours))


def _listed(store: ArtifactStore) -> Iterator[tuple[Week, set[str]]]:
    dated = ((week, key) for key in store.keys("reports") if (week := week_of(key)))
    for week, found in groupby(dated, key=itemgetter(0)):
        yield week, {key for _, key in found}
