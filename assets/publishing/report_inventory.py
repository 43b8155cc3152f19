"""What is kept of the reports, of learners and of classes: files and rows, side by side."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import sqlalchemy as sa

from resources.artifacts.store import CLASSES, REPORTS, ArtifactStore, class_report_key, report_key, week_of
from resources.database.engine import transaction
from resources.database.queries.reports import class_reports, report_artifacts
from resources.model import ClassArtifact, ReportArtifact, Week


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
        weeks = {*report_artifacts.weeks(connection), *class_reports.weeks(connection)}
    recorded: list[tuple[Week, set[str]]] = [(week, set()) for week in sorted(weeks)]
    of_weeks = heapq.merge(_listed(store, REPORTS), _listed(store, CLASSES), recorded, key=itemgetter(0))
    for week, found in groupby(of_weeks, key=itemgetter(0)):
        files = set[str]().union(*(keys for _, keys in found))
        with transaction(engine) as connection:
            rows = report_artifacts.of_week(connection, week)
            of_classes = class_reports.of_week(connection, week)
        by_key: dict[str, ReportArtifact | ClassArtifact] = {
            report_key(week, row.user_id, row.format, row.edition): row for row in rows
        }
        by_key |= {class_report_key(week, row.group, row.format): row for row in of_classes}
        ours = {key: row.sha256 for key, row in by_key.items() if row.url == store.address(key)}
        yield WeekInventory(week, files, ours, len(by_key) - len(ours))


def _listed(store: ArtifactStore, folder: str) -> Iterator[tuple[Week, set[str]]]:
    dated = ((week, key) for key in store.keys(folder) if (week := week_of(key)))
    for week, found in groupby(dated, key=itemgetter(0)):
        yield week, {key for _, key in found}
