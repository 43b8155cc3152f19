"""The report of one small cohort: the asset, its sensor, and that of the class reports."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from assets import class_reports, cohort_reports
from assets.cohort.tables import Source
from resources.artifacts.folder import FolderStore
from resources.database.engine import transaction
from resources.database.queries.items.item_banks import BankChoice
from resources.database.queries.learners import learner_groups
from seedtest_pipeline.automation import asking, staff_reports
from tests.integration.assets.cohort.small_cohort import BUCKET, NEW, SECOND, estimate
from tests.integration.assets.freezing import quiet
from tests.integration.reports.conftest import SOURCE

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")  # of backfill_policy


def materialize(source: Source, store: FolderStore) -> dg.ExecuteInProcessResult:
    upstream = dg.SourceAsset("theta_estimates", partitions_def=BUCKET.definition)
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            [upstream, cohort_reports.build(BUCKET, SOURCE, "en")],
            instance=instance,
            partition_key=SECOND.key,
            resources={
                "engine": source.engine, "warehouse": source.warehouse, "artifacts": store, "rules": source.rules,
                "scale": source.scale,
                "progress": quiet,
            },
            raise_on_error=False,
        )  # fmt: skip


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A `quarto` that writes the smallest whole page, at whatever is in front of it on the PATH."""
    figures = "<img src='data:image/svg+xml;,'>".replace("'", '\\"') * 4
    script = 'if [ "$1" = --version ]; then echo 1.10.0; else week=$(sed -n "s/^week,//p" cohort/about.csv)\n'
    page = f'<p class=subject>$week $(sed -n "s/^bank,//p" cohort/about.csv) {figures}</html>'
    script += f'echo "{page}" > cohort_report.html; fi'
    for name, text in {"quarto": script, "Rscript": "exit 0"}.items():
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path / "bin"


def test_the_asset_stores_a_page_per_bank_and_shows_where(source: Source, tools: Path, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "artifacts")
    result = materialize(source, store)
    assert result.success
    (made,) = result.asset_materializations_for_node("cohort_reports")
    assert made.partition == SECOND.key
    keys = [f"cohorts/{SECOND}/{version}/cohort_report.html" for version in ("new", "old")]
    assert list(store.keys("cohorts")) == keys
    assert [b" new " in store.read(keys[0]), b" old " in store.read(keys[1])] == [True, True]
    assert made.metadata[f"{cohort_reports.REPORT}new"].value == (store.root / keys[0]).as_uri()


def test_without_quarto_nothing_is_made_and_the_run_succeeds_and_says_why(
    source: Source, tools: Path, tmp_path: Path
) -> None:
    (tools / "quarto").unlink()
    store = FolderStore(tmp_path / "artifacts")
    result = materialize(source, store)
    assert result.success
    assert result.asset_materializations_for_node("cohort_reports") == []
    (note,) = result.asset_observations_for_node("cohort_reports")
    assert "Quarto is not installed: get 1.10 or later" in note.metadata["skipped"].value
    assert not store.root.exists()


def test_a_chunk_that_fails_is_the_runs_own_sentence(source: Source, tools: Path, tmp_path: Path) -> None:
    (tools / "quarto").write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo 1.10 && exit\necho "Quitting from x.qmd:1-2 [growth]" >&2; exit 1\n'
    )
    result = materialize(source, FolderStore(tmp_path / "artifacts"))
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert failed.step_failure_data.user_failure_data.description.startswith(
        "Chunk `growth` of cohort_report.qmd failed"
    )


def test_the_sensor_asks_until_the_report_is_made_and_again_once_its_estimates_were_renewed(
    source: Source, engine: sa.Engine, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It noted that it had asked: a report that failed was never asked for again."""
    asset = cohort_reports.build(BUCKET, SOURCE, "en")
    sensor = staff_reports.cohort_sensor(asset)

    monkeypatch.setattr(staff_reports.Week, "last_complete", lambda now: SECOND)  # whatever the day is
    monkeypatch.setattr(asking, "WAITS", (dt.timedelta(0),) * 3)
    with dg.DagsterInstance.ephemeral() as instance:

        def tick() -> dg.SensorResult:
            with dg.build_sensor_context(instance=instance, resources={"engine": engine}) as context:
                return sensor(context)

        def made() -> None:
            instance.report_runless_asset_event(dg.AssetMaterialization(asset.key, partition=SECOND.key))

        (asked,) = tick().run_requests
        assert asked.partition_key == SECOND.key
        assert tick().run_requests[0].run_key == asked.run_key, "Dagster launches a run key once"
        instance.add_run(dg.DagsterRun("cohort", "1", status=dg.DagsterRunStatus.FAILURE, tags=dict(asked.tags)))
        assert tick().run_requests[0].run_key != asked.run_key
        made()
        assert "was made" in str(tick().skip_reason)
        estimate(engine, source.warehouse, SECOND, NEW, ["eve"])
        assert tick().run_requests[0].run_key != asked.run_key

        run_id = instance.create_run_for_job(
            dg.GraphDefinition("busy").to_job(), status=dg.DagsterRunStatus.STARTED
        ).run_id
        assert "under way" in str(tick().skip_reason)
        instance.delete_run(run_id)
        (tools / "quarto").unlink()
        assert "Quarto is not installed" in str(tick().skip_reason)


def test_the_sensor_of_class_reports_asks_once_there_are_groups(
    source: Source, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = class_reports.build(BUCKET, BankChoice("new", "2PL"), dict)
    monkeypatch.setattr(staff_reports.Week, "last_complete", lambda now: SECOND)
    with dg.DagsterInstance.ephemeral() as instance:

        def tick() -> dg.SensorResult:
            with dg.build_sensor_context(instance=instance, resources={"engine": engine}) as context:
                return staff_reports.classes_sensor(asset)(context)

        assert tick().skip_reason.skip_message == class_reports.NO_GROUPS
        with transaction(engine) as connection:
            row = {"group": "3-2", "user_id": "ann", "role": "learner", "name": None}
            learner_groups.store(connection, [row], only=False)
        (asked,) = tick().run_requests
        assert asked.partition_key == SECOND.key
