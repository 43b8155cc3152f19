"""Files and rows of reports, in a folder and in S3: compared, taken away, and mended after a kill in the middle."""

import datetime as dt
import hashlib
from pathlib import Path

import pytest
import sqlalchemy as sa

from assets.publishing import consistency_check, retention
from resources.artifacts.folder import FolderStore
from resources.artifacts.s3 import S3Store
from resources.artifacts.store import ArtifactStore, class_report_key, report_key
from resources.database.engine import transaction
from resources.database.queries.reports import class_reports, report_artifacts
from resources.errors import RetryLater
from resources.model import ClassArtifact, Edition, ReportArtifact, Week

WEEKS = [Week.parse("2025-01-06").plus(number) for number in range(4)]
USERS = ["ada", "Bob|1", "../cy"]
FOREIGN = ["reports/2025-01-06/ada/notes.txt", "reports/2025-01-07/ada/weekly_report.html", "cohorts/2025-01-06/x.html"]


def quiet(task: str, done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture(params=["folder", "S3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    if request.param == "folder":
        return FolderStore(tmp_path / "artifacts")
    return S3Store(request.getfixturevalue("s3_bucket"))


@pytest.fixture
def full(engine: sa.Engine, store: ArtifactStore) -> ArtifactStore:
    """Of three users in four weeks the own report as HTML and the teacher's as PDF, a class report in one, and some
    files that are none."""
    publish_class(engine, store, WEEKS[2])
    reports = [(week, user_id, form) for week in WEEKS for user_id in USERS for form in ("html", "pdf")]
    publish(engine, store, *reports)
    for key in FOREIGN:
        store.put(key, b"not ours", "text/plain")
    return store


def publish(engine: sa.Engine, store: ArtifactStore, *reports: tuple[Week, str, str]) -> None:
    """Each of a week, a user and a format."""
    now = dt.datetime.now(dt.UTC)
    rows = []
    for week, user_id, form in reports:
        page = f"{week} {user_id} {form}".encode()
        url = store.put(key_of(week, user_id, form), page, "text/html")
        sha256 = hashlib.sha256(page).hexdigest()
        rows.append(ReportArtifact(user_id, week, form, url, now, sha256, sha256, edition_of(form)))
    with transaction(engine) as connection:
        report_artifacts.record(connection, rows)


def publish_class(engine: sa.Engine, store: ArtifactStore, week: Week) -> None:
    url = store.put(class_report_key(week, "3-2", "html"), b"a class", "text/html")
    sha256 = hashlib.sha256(b"a class").hexdigest()
    with transaction(engine) as connection:
        row = ClassArtifact("3-2", week, "html", url, dt.datetime.now(dt.UTC), sha256, "", ("ada",))
        class_reports.record(connection, [row])


def key_of(week: Week, user_id: str, form: str = "html") -> str:
    return report_key(week, user_id, form, edition_of(form))


def edition_of(form: str) -> Edition:
    return "teacher" if form == "pdf" else "learner"


def compared(engine: sa.Engine, store: ArtifactStore, *, hashes: bool = True) -> list[consistency_check.Compared]:
    return list(consistency_check.compare(engine, store, quiet, hashes=hashes))


def prune(engine: sa.Engine, store: ArtifactStore, before: dt.date) -> None:
    for old in retention.outdated(engine, store, before):
        retention.remove(engine, store, old, quiet)


def rows_of(engine: sa.Engine, week: Week) -> int:
    with transaction(engine) as connection:
        return len(report_artifacts.of_week(connection, week))


def test_where_nothing_happened_files_and_rows_agree(engine: sa.Engine, full: ArtifactStore) -> None:
    found = compared(engine, full)
    assert [of_week.week for of_week in found] == WEEKS
    assert all(of_week.agree for of_week in found)
    assert [(of_week.rows, of_week.files, of_week.elsewhere) for of_week in found] == [
        (7, 7, 0) if week == WEEKS[2] else (6, 6, 0) for week in WEEKS
    ]


def test_an_empty_store_beside_an_empty_table_agrees(engine: sa.Engine, store: ArtifactStore) -> None:
    assert compared(engine, store) == []
    prune(engine, store, dt.date.max)


def test_each_kind_of_disagreement_is_found_in_its_week(engine: sa.Engine, full: ArtifactStore) -> None:
    lost, stray, altered = key_of(WEEKS[0], "ada"), key_of(WEEKS[1], "dora"), key_of(WEEKS[3], "../cy", "pdf")
    full.delete(lost)
    full.put(stray, b"nobody's", "text/html")
    full.put(altered, b"other bytes", "text/html")
    found = {of_week.week: of_week for of_week in compared(engine, full)}
    assert (found[WEEKS[0]].missing, found[WEEKS[0]].unrecorded) == ((lost,), ())
    assert (found[WEEKS[1]].unrecorded, found[WEEKS[1]].missing) == ((stray,), ())
    full.put(class_report_key(WEEKS[2], "3-2", "html"), b"another class", "text/html")
    assert compared(engine, full)[2].altered == (class_report_key(WEEKS[2], "3-2", "html"),)
    full.delete(class_report_key(WEEKS[2], "3-2", "html"))
    assert compared(engine, full)[2].missing == (class_report_key(WEEKS[2], "3-2", "html"),)
    assert (found[WEEKS[3]].altered, found[WEEKS[3]].missing) == ((altered,), ())
    assert compared(engine, full, hashes=False)[3].agree


def test_weeks_with_files_alone_or_rows_alone_are_found_too(engine: sa.Engine, full: ArtifactStore) -> None:
    only_files, only_rows = WEEKS[-1].plus(1), WEEKS[-1].plus(2)
    full.put(key_of(only_files, "ada"), b"x", "text/html")
    publish(engine, full, (only_rows, "ada", "html"))
    full.delete(key_of(only_rows, "ada"))
    *_, files, rows = compared(engine, full)
    assert (files.week, files.rows, files.files) == (only_files, 0, 1)
    assert (rows.week, rows.rows, rows.files) == (only_rows, 1, 0)


def test_a_row_of_another_store_is_counted_and_left_alone(engine: sa.Engine, full: ArtifactStore) -> None:
    row = ReportArtifact("eve", WEEKS[0], "html", "https://old.example/r.html", dt.datetime.now(dt.UTC), None)
    with transaction(engine) as connection:
        report_artifacts.record(connection, [row])
    first = compared(engine, full)[0]
    assert (first.agree, first.elsewhere) == (True, 1)
    prune(engine, full, WEEKS[1].start)
    with transaction(engine) as connection:
        assert report_artifacts.of_week(connection, WEEKS[0]) == [row]


@pytest.mark.parametrize(("days", "gone"), [(-1, 1), (0, 2), (6, 2), (7, 3)])
def test_what_goes_are_the_weeks_that_were_over_by_that_day(
    engine: sa.Engine, full: ArtifactStore, days: int, gone: int
) -> None:
    before = WEEKS[2].start + dt.timedelta(days=days)
    assert [old.week for old in retention.outdated(engine, full, before)] == WEEKS[:gone]
    prune(engine, full, before)
    assert [of_week.week for of_week in compared(engine, full)] == WEEKS[gone:]
    assert [rows_of(engine, week) for week in WEEKS] == [0] * gone + [6] * (4 - gone)
    assert all(of_week.agree for of_week in compared(engine, full))
    prune(engine, full, before)
    assert [of_week.week for of_week in compared(engine, full)] == WEEKS[gone:]


def test_what_is_no_report_is_never_touched(engine: sa.Engine, full: ArtifactStore) -> None:
    prune(engine, full, dt.date.max)
    assert sorted(full.keys("")) == sorted(FOREIGN)


class DiesAfter:
    """The store of a process that is killed after so many deletions."""

    def __init__(self, store: ArtifactStore, deletions: int) -> None:
        self._store, self._left = store, deletions

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def delete(self, key: str) -> None:
        if self._left == 0:
            raise RetryLater("gone")
        self._left -= 1
        self._store.delete(key)


def test_a_pruning_that_is_ended_halfway_leaves_what_check_finds_and_a_rerun_finishes(
    engine: sa.Engine, full: ArtifactStore
) -> None:
    with pytest.raises(RetryLater):
        prune(engine, DiesAfter(full, 8), WEEKS[2].start)  # type: ignore[arg-type] # a store by its methods
    assert [rows_of(engine, week) for week in WEEKS] == [0, 6, 6, 6]
    halfway = compared(engine, full)
    assert [of_week.week for of_week in halfway] == WEEKS[1:]
    assert 0 < len(halfway[0].missing) < 6
    prune(engine, full, WEEKS[2].start)
    after = compared(engine, full)
    assert [of_week.week for of_week in after] == WEEKS[2:]
    assert all(of_week.agree for of_week in after)


def test_a_report_made_while_files_are_listed_is_not_called_missing(engine: sa.Engine, full: ArtifactStore) -> None:
    class MadeMeanwhile(DiesAfter):
        def keys(self, prefix: str) -> list[str]:
            listed = list(full.keys(prefix))
            publish(engine, full, (WEEKS[0], "late", "html"))
            return listed

    assert all(of_week.agree for of_week in compared(engine, MadeMeanwhile(full, 0)))  # type: ignore[arg-type]


def test_pruning_a_folder_leaves_no_folders_named_after_learners(engine: sa.Engine, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "artifacts")
    for user_id in USERS:
        publish(engine, store, (WEEKS[0], user_id, "html"))
    prune(engine, store, dt.date.max)
    assert list((tmp_path / "artifacts").iterdir()) == []
