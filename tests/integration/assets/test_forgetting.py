"""A learner who must be forgotten is gone from every store and table, and the others' results stay as they are."""

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from assets.abilities.freezing import Freezer
from assets.classes import retention as class_retention
from assets.forgetting import learner
from assets.forgetting.learner import Stores
from assets.selection import Selection, selected_users
from assets.user_keys import UserKeys, stands_for
from docs.sample_learner import WEEK
from resources.artifacts.folder import FolderStore
from resources.artifacts.s3 import S3Store
from resources.artifacts.store import ArtifactStore, class_report_key, report_key
from resources.database.engine import transaction
from resources.database.queries.estimates import made_weeks
from resources.database.queries.estimates.made_weeks import MadeWeek
from resources.database.queries.learners import departed_learners, learner_goals, learner_groups
from resources.database.queries.reports import class_reports, report_artifacts
from resources.database.queries.sessions import session_versions
from resources.database.queries.sessions.session_versions import Seen
from resources.model import ClassArtifact, Edition, Goal, ReportArtifact
from resources.warehouse.warehouse import Warehouse
from tests.integration.assets.freezing import KEY, answer, frozen
from tests.integration.assets.publishing import estimated

NOW = dt.datetime(2025, 6, 2, 6, tzinfo=dt.UTC)
ONE = UserKeys(1)
LEARNERS = ["ada", "bob", "cy"]


def in_folders(home: Path) -> Stores:
    return Stores([FolderStore(home / "artifacts")], [Warehouse(FolderStore(home / "warehouse"))])


def put(engine: sa.Engine, stores: Stores, scheme: UserKeys = ONE) -> None:
    """Three learners with answers, frozen, an estimate and a report each, and one with a teacher's edition; a class
    report that names two of them."""
    store, warehouse = stores.artifacts[0], stores.warehouses[0]
    answer(engine, *((user, "q1") for user in LEARNERS), week=WEEK)
    estimated(engine, *LEARNERS)
    keys = scheme.fixed or LEARNERS
    freeze(engine, warehouse, scheme, keys)
    kinds: list[tuple[str, Edition]] = [*((user, "learner") for user in LEARNERS), ("bob", "teacher")]
    reports = [
        ReportArtifact(
            user, WEEK, "html", store.put(report_key(WEEK, user, "html", edition), b"<p>", "text/html"), NOW, "0", "0",
            edition,
        )
        for user, edition in kinds
    ]  # fmt: skip
    with transaction(engine) as connection:
        report_artifacts.record(connection, reports)
        made_weeks.record(connection, WEEK, {key: MadeWeek("0", "0") for key in keys})
        session_versions.store(connection, WEEK, scheme.buckets, {key: Seen(1, "0") for key in keys})
        class_reports.record(connection, [in_class(store, "1-1", "ada", "bob"), in_class(store, "1-2", "cy")])
        members = [{"group": "1-1", "user_id": user, "role": "learner", "name": user.title()} for user in LEARNERS]
        learner_groups.store(connection, members, only=False)
        departed_learners.notice(connection, ["bob"], NOW)
        learner_goals.store(connection, {user: Goal(600, WEEK.plus(9).start) for user in LEARNERS}, only=False)


def freeze(engine: sa.Engine, warehouse: Warehouse, scheme: UserKeys, keys: list[str]) -> None:
    Freezer(engine, warehouse, scheme, selected_users(engine, scheme, Selection({}), None)).freeze(WEEK, keys)


def in_class(store: ArtifactStore, group: str, *users: str) -> ClassArtifact:
    url = store.put(class_report_key(WEEK, group, "html"), " ".join(users).encode(), "text/html")
    return ClassArtifact(group, WEEK, "html", url, NOW, "0", "0", users)


def files_with(stores: Stores, user: str) -> list[str]:
    """The files, of whichever store, that are named by `user` or hold the word."""
    return [
        store.address(key)
        for store in (*stores.artifacts, *(warehouse.files for warehouse in stores.warehouses))
        for key in store.keys("")
        if user in key or user.encode() in store.read(key)
    ]


def rows_with(engine: sa.Engine, user: str) -> list[str]:
    """The tables of ours in which anything at all says `user`."""
    with transaction(engine) as connection:
        tables = set(sa.inspect(connection).get_table_names()) - {"exam_results"}
        word = sa.literal(rf"\m{user}\M")
        return [
            name
            for name in sorted(tables)
            if connection.execute(
                sa.select(1).select_from(sa.table(name)).where(sa.literal_column(f'"{name}"::text').op("~")(word))
            ).first()
        ]


@pytest.mark.parametrize("scheme", [ONE, UserKeys(0)], ids=["a bucket", "a key each"])
def test_who_is_forgotten_is_in_no_file_and_no_row_and_the_others_are_whole(engine, tmp_path, scheme):
    stores = in_folders(tmp_path)
    put(engine, stores, scheme)
    found = learner.find(engine, stores, "bob")
    assert (found.report_files, found.class_reports, found.frozen_answers, found.frozen_weeks) == (2, 1, 1, [WEEK])
    assert found.rows["theta_estimates"] == found.rows["learner_groups"] == found.rows["report_editions"] == 1
    assert (found.platform_sessions, found.elsewhere) == (1, [])
    learner.remove(engine, stores, "bob")
    assert rows_with(engine, "bob") == []
    assert files_with(stores, "bob") == []
    assert not learner.find(engine, stores, "bob").any
    for user in ("ada", "cy"):
        assert learner.find(engine, stores, user).report_files == learner.find(engine, stores, user).frozen_answers == 1
    assert [row.group for row in _class_reports(engine)] == ["1-2"]


def test_in_a_bucket_and_in_the_folder_of_before_there_was_one(engine, tmp_path, s3_bucket):
    before, bucket = in_folders(tmp_path), S3Store(s3_bucket)
    stores = Stores([bucket, *before.artifacts], [Warehouse(bucket, "warehouse/responses"), *before.warehouses])
    put(engine, before)
    put(engine, stores)
    assert learner.find(engine, stores, "bob").report_files == 4
    learner.remove(engine, stores, "bob")
    assert files_with(stores, "bob") == []
    assert not learner.find(engine, stores, "bob").any


def test_files_that_nothing_here_can_reach_are_named(engine, tmp_path):
    put(engine, in_folders(tmp_path / "old"))
    found = learner.find(engine, in_folders(tmp_path / "new"), "bob")
    assert [address.rpartition("/")[2] for address in found.elsewhere] == [
        "class_report.html", "weekly_report.html", "weekly_report.teacher.html"
    ]  # fmt: skip
    learner.remove(engine, in_folders(tmp_path / "new"), "bob")
    assert rows_with(engine, "bob") == []


def test_a_file_that_others_share_is_late_while_the_platform_has_the_learner(engine, tmp_path):
    """With the old checksum the next estimate would have been made without the earlier weeks, in silence."""
    stores = in_folders(tmp_path)
    warehouse = stores.warehouses[0]
    put(engine, stores)
    whole = warehouse.checksums(WEEK)[KEY]
    learner.remove(engine, stores, "bob")
    assert frozen(warehouse, WEEK) == [("ada", "q1"), ("cy", "q1")]
    without = warehouse.checksums(WEEK)[KEY]
    assert without != whole
    with transaction(engine) as connection:
        connection.exec_driver_sql("DELETE FROM exam_results WHERE user_id = 'bob'")
    freeze(engine, warehouse, ONE, [KEY])
    assert warehouse.checksums(WEEK)[KEY] == without


def test_who_is_ignored_makes_no_file_late_and_comes_back_by_no_freezing(engine, tmp_path):
    stores = in_folders(tmp_path)
    warehouse = stores.warehouses[0]
    put(engine, stores)
    learner.remove(engine, stores, "bob")
    estimated(engine, "bob")  # as an update on demand would that was under way
    learner.ignore(engine, "bob", NOW)
    without = warehouse.checksums(WEEK)[KEY]
    freeze(engine, warehouse, ONE, [KEY])
    assert frozen(warehouse, WEEK) == [("ada", "q1"), ("cy", "q1")]
    assert warehouse.checksums(WEEK)[KEY] == without
    assert rows_with(engine, "bob") == ["ignored_learners"]


def test_files_of_an_earlier_partition_scheme_are_looked_at():
    keys = ["~42ob", UserKeys(64).key_of("Bob"), UserKeys(8).key_of("Bob"), "bob", "b999of64"]
    assert [stands_for(key, "Bob") for key in keys] == [True, True, True, False, False]


def test_a_removal_that_was_killed_at_each_step_is_finished_by_the_next(engine, tmp_path, monkeypatch):
    stores = in_folders(tmp_path)
    put(engine, stores)
    for where, name in (
        (FolderStore, "delete"), (class_retention, "remove"), (Warehouse, "write"), (departed_learners, "remove"),
        (made_weeks, "forget_key"), (session_versions, "forget_key"),
    ):  # fmt: skip
        with monkeypatch.context() as kill:
            kill.setattr(where, name, _killed)
            with pytest.raises(KeyboardInterrupt):
                learner.remove(engine, stores, "bob")
    learner.remove(engine, stores, "bob")
    assert rows_with(engine, "bob") == []
    assert files_with(stores, "bob") == []


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def _class_reports(engine: sa.Engine) -> list[ClassArtifact]:
    with transaction(engine) as connection:
        return class_reports.of_week(connection, WEEK)
