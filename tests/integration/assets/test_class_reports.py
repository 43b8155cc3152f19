"""Class reports in real PostgreSQL, a real warehouse and a real store: from answers and groups to files and rows."""

import datetime as dt
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from assets import class_reports
from assets.classes import retention
from assets.classes.learners import Learners
from assets.partitions import Partitions
from assets.publishing import report_maker
from docs.sample_learner import BANK
from resources.artifacts.folder import FolderStore
from resources.artifacts.store import class_report_key
from resources.database.engine import transaction
from resources.database.queries.items import item_banks
from resources.database.queries.items.item_banks import BankChoice
from resources.database.queries.learners import departed_learners, learner_groups
from resources.database.queries.reports import class_reports as catalogue
from resources.model import ItemCatalogue
from resources.reports.classes.class_input import Learner
from resources.reports.classes.page import DOCUMENT
from resources.reports.document.compile import compile_templates
from resources.reports.learner.scale import Scale
from resources.warehouse.warehouse import Warehouse
from tests.integration.assets.small_exam import FIRST, KEYS, RULES, USERS, WEEKS, quiet, run
from tests.integration.reports.conftest import SOURCE

LAST = WEEKS[-1]
GROUPS = [
    ("3-2", "u0", "Ann"),
    ("3-2", "u1", None),
    ("3-2", "nobody", "No One"),
    ("4/1", "u1", "Bob"),
    ("4/1", "u2", None),
]


@pytest.fixture
def exam(platform: sa.Engine, tmp_path: Path, new_publisher) -> sa.Engine:
    """All weeks made, and two groups that share a learner."""
    with transaction(platform) as connection:
        fit = item_banks.Fit(True, 9, -1.0, 30, 90, dt.datetime(2025, 1, 1, tzinfo=dt.UTC), {})
        item_banks.save(connection, BANK, fit)
        rows = [{"group": group, "user_id": user, "role": "learner", "name": name} for group, user, name in GROUPS]
        rows.append({"group": "3-2", "user_id": "boss", "role": "teacher", "name": None})
        learner_groups.store(connection, rows, only=False)
    run(platform, tmp_path, new_publisher(), *WEEKS)
    return platform


@pytest.fixture(scope="module")
def class_templates(tmp_path_factory: pytest.TempPathFactory):
    return compile_templates(SOURCE, tmp_path_factory.mktemp("templates"), ("html",), "en", DOCUMENT)


def learners(engine: sa.Engine, folder: Path, *user_ids: str) -> dict[str, Learner]:
    source = Learners(
        engine, Warehouse(FolderStore(folder / "warehouse")), FIRST, KEYS, RULES, Scale(), BANK, ItemCatalogue()
    )
    return source.of(LAST, user_ids, quiet)


def test_a_class_report_says_of_each_learner_what_the_own_report_says(exam, tmp_path, new_publisher, monkeypatch):
    own = {}
    real = report_maker.render

    def noted(template, given, lost, edition):
        own[given.user_id] = given
        return real(template, given, lost, edition)

    monkeypatch.setattr(report_maker, "render", noted)
    with transaction(exam) as connection:
        connection.exec_driver_sql("TRUNCATE seedtest_report_artifacts")
    run(exam, tmp_path, new_publisher(), LAST)
    found = learners(exam, tmp_path, *USERS)
    assert own.keys() == set(USERS)
    for user_id, learner in found.items():
        given = own[user_id]
        assert learner.level is not None
        assert (learner.level.theta, learner.level.n_items) == (pytest.approx(given.level.theta), given.level.n_items)
        assert (learner.change, learner.change_since_start) == (given.change, given.change_since_start)
        assert learner.topics == given.topics
        assert (learner.n_answers, len(learner.answered)) == (len(given.answers), given.first_answers.size)
        assert sum(answer.right for answer in learner.answered) == given.answers.correct[given.first_answers].sum()


def test_who_is_not_there_or_was_not_run_is_told_apart(exam, tmp_path):
    (frozen,) = (tmp_path / "warehouse").rglob(f"*{FIRST}*/*{KEYS.key_of('u3')}*")
    frozen.unlink()
    found = learners(exam, tmp_path, *USERS, "nobody")
    assert found["nobody"].known == "no"
    assert found["u3"].known == "not run"
    assert {KEYS.key_of(user) for user, one in found.items() if one.known == "not run"} == {KEYS.key_of("u3")}


def materialize(engine, folder, templates, config=None, week=LAST) -> dg.ExecuteInProcessResult:
    partitions = Partitions(FIRST, KEYS)
    upstream = dg.SourceAsset("theta_estimates", partitions_def=partitions.definition)
    asset = class_reports.build(partitions, BankChoice(BANK.version, BANK.model), lambda: templates)
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            [upstream, asset],
            instance=instance,
            partition_key=week.key,
            run_config={"ops": {"class_reports": {"config": config}}} if config else {},
            resources={
                "engine": engine, "warehouse": Warehouse(FolderStore(folder / "warehouse")), "rules": RULES,
                "scale": Scale(), "artifacts": FolderStore(folder / "artifacts"), "progress": quiet,
            },
            raise_on_error=False,
        )  # fmt: skip


def counts(result) -> dict[str, object]:
    (made,) = result.asset_materializations_for_node("class_reports")
    return {name: value.value for name, value in made.metadata.items()}


def test_a_report_per_group_is_stored_and_recorded_and_only_what_is_lost_or_other_is_made_again(
    exam, tmp_path, class_templates, store
):
    assert counts(materialize(exam, tmp_path, class_templates)) == {
        "groups": 2, "written": 2, "unchanged": 0, "failed": 0,
        "characters that no font has, shown as replaced in PDFs": "none",
        "deleted, since they name a learner who is gone for good": 0,
        "other weeks looked at, since what they rest on has changed": "none",
    }  # fmt: skip
    with transaction(exam) as connection:
        rows = catalogue.of_week(connection, LAST)
    assert [(row.group, row.format) for row in rows] == [("3-2", "html"), ("4/1", "html")]
    keys = [class_report_key(LAST, group, "html") for group in ("3-2", "4/1")]
    assert [row.url for row in rows] == [store.address(key) for key in keys]
    page = store.read(keys[0]).decode()
    assert all(name in page for name in ("Ann", ">u1<", "No One", "has no session on the platform"))
    assert "boss" not in page

    store.delete(keys[0])
    with transaction(exam) as connection:
        connection.exec_driver_sql("UPDATE learner_groups SET name = 'Robert' WHERE name = 'Bob'")
    assert counts(materialize(exam, tmp_path, class_templates))["written"] == 2
    assert "Robert" in store.read(keys[1]).decode()
    assert counts(materialize(exam, tmp_path, class_templates))["unchanged"] == 2


def test_a_late_answer_has_the_old_weeks_report_made_again_with_the_class_as_it_was(
    exam, tmp_path, new_publisher, class_templates, store
):
    """It went on to tell of a week what the learners' own reports did not tell any more."""
    early = WEEKS[1]
    for week in (early, LAST):
        materialize(exam, tmp_path, class_templates, week=week)
    before = {group: store.read(class_report_key(early, group, "html")) for group in ("3-2", "4/1")}
    with transaction(exam) as connection:
        connection.exec_driver_sql("DELETE FROM learner_groups WHERE user_id = 'u0'")
        connection.exec_driver_sql(
            "UPDATE exam_results SET updated_at = now(), "
            "result_json = replace(result_json::text, 'false', 'true')::jsonb "
            "WHERE user_id = 'u0' AND created_at < %(end)s",
            {"end": early.ends_at},
        )
    run(exam, tmp_path, new_publisher(), *WEEKS)
    said = counts(materialize(exam, tmp_path, class_templates))
    assert said["other weeks looked at, since what they rest on has changed"] == early.key
    after = {group: store.read(class_report_key(early, group, "html")) for group in ("3-2", "4/1")}
    assert after["3-2"] != before["3-2"]
    assert b">Ann<" not in after["3-2"], "no group tells the name any more"
    assert b">u0<" in after["3-2"], "who has left since was in the class then"
    assert after["4/1"] == before["4/1"]
    said = counts(materialize(exam, tmp_path, class_templates))
    assert said["other weeks looked at, since what they rest on has changed"] == "none"


def test_one_group_alone_is_an_observation_and_an_unknown_one_is_refused(exam, tmp_path, class_templates, store):
    result = materialize(exam, tmp_path, class_templates, {"groups": ["3-2"]})
    assert result.success
    assert result.asset_materializations_for_node("class_reports") == []
    assert list(store.keys("classes")) == [class_report_key(LAST, "3-2", "html")]
    failed = materialize(exam, tmp_path, class_templates, {"groups": ["5-9"]})
    (step,) = [event for event in failed.all_events if event.is_step_failure]
    assert step.step_failure_data.user_failure_data.description.startswith("No group '5-9' has learners")


def test_without_groups_nothing_is_made_and_the_run_says_so(exam, tmp_path, class_templates):
    with transaction(exam) as connection:
        connection.exec_driver_sql("DELETE FROM learner_groups")
    result = materialize(exam, tmp_path, class_templates)
    assert result.success
    (note,) = result.asset_observations_for_node("class_reports")
    assert note.metadata["skipped"].value == class_reports.NO_GROUPS


def test_a_group_that_fails_is_named_and_the_others_are_published(exam, tmp_path, class_templates, store, monkeypatch):
    real = store.__class__.put

    def refuse(self, key, content, content_type):
        if "4~2f1" in key:
            raise ValueError("no such drawer")
        return real(self, key, content, content_type)

    monkeypatch.setattr(FolderStore, "put", refuse)
    failed = materialize(exam, tmp_path, class_templates)
    (step,) = [event for event in failed.all_events if event.is_step_failure]
    said = step.step_failure_data.user_failure_data.description
    assert said.startswith("1 class reports failed; all others are published.")
    assert said.endswith("4/1, html: ValueError: no such drawer")
    assert list(store.keys("classes")) == [class_report_key(LAST, "3-2", "html")]


def test_a_report_that_names_a_learner_who_is_gone_for_good_goes_and_not_before(exam, tmp_path, class_templates, store):
    """And "nobody", who never was on the platform, but is in a group, is no such learner."""
    materialize(exam, tmp_path, class_templates)
    assert retention.naming_departed(exam, store) == []
    with transaction(exam) as connection:
        connection.exec_driver_sql("DELETE FROM exam_results WHERE user_id = 'u0'")
        connection.exec_driver_sql("INSERT INTO departed_learners VALUES ('u0', now())")
        connection.exec_driver_sql("DELETE FROM learner_groups WHERE user_id = 'u0'")
    assert retention.naming_departed(exam, store) == [], "the time of grace"
    with transaction(exam) as connection:
        departed_learners.remove(connection, ["u0"])
    (old,) = retention.naming_departed(exam, store)
    assert (old.group, set(old.learners)) == ("3-2", {"u0", "u1", "nobody"})
    retention.remove(exam, store, [old])
    assert list(store.keys("classes")) == [class_report_key(LAST, "4/1", "html")]
    with transaction(exam) as connection:
        assert [row.group for row in catalogue.of_week(connection, LAST)] == ["4/1"]
