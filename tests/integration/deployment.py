"""A small deployment for tests of whole runs: a synthetic exam in a migrated database, and an empty home."""

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from assets.partitions import RANGE_END, RANGE_START
from resources.database.engine import transaction
from resources.database.queries.items import item_banks
from resources.ingest import load
from resources.model import ItemBank, Week, safe_key
from seedtest_pipeline import definitions
from seedtest_pipeline.dagster_home import prepare_dagster_home
from seedtest_pipeline.demo.synthetic_exam import EXAM_ID, SyntheticExam, synthetic_exam
from seedtest_pipeline.runs import WEEKLY
from seedtest_pipeline.settings import Settings
from seedtest_pipeline.wiring import Parts
from tests.integration.faulty_process import FORKS
from tests.waiting import PATIENCE_S

FIRST = Week.parse("2025-01-06")
WEEKS = list(FIRST.through(FIRST.plus(2)))
N_USERS = 60


def quiet(task: str, done: int, total: int) -> None:
    """Nobody watches."""


def exam() -> SyntheticExam:
    return synthetic_exam(7, FIRST, n_users=N_USERS, n_weeks=len(WEEKS))


def deployed(
    monkeypatch: pytest.MonkeyPatch, folder: Path, database_url: str, exam: SyntheticExam, user_partitions: str
) -> Parts:
    """The exam is ingested and nothing was made."""
    for name, value in {
        "SEEDTEST_HOME": str(folder / "the home"),
        "DAGSTER_HOME": str(folder / "the home" / "dagster"),
        "DATABASE_URL": database_url,
        "FIRST_WEEK": FIRST.key,
        "USER_PARTITIONS": user_partitions,
        "DAGSTER_EVENT_BATCH_SIZE": "1000",
        "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    parts = Parts(Settings.load())
    prepare_dagster_home(parts.settings)
    with transaction(parts.engine) as connection:
        load.ingest(connection, exam.as_file(), EXAM_ID)
    return parts


def adopt_true_bank(parts: Parts, exam: SyntheticExam) -> ItemBank:
    items = exam.items
    bank = ItemBank(
        "true", "2PL", tuple(items["item_id"]), items["a"].to_numpy(), items["b"].to_numpy(), np.zeros(len(items))
    )
    now = dt.datetime.now(dt.UTC)
    with transaction(parts.engine) as connection:
        item_banks.save(connection, bank, item_banks.Fit(True, 1, 0.0, N_USERS, 1, now))
        item_banks.adopt(connection, bank.version, now)
    return bank


def estimates(parts: Parts) -> pd.DataFrame:
    with parts.engine.connect() as connection:
        return pd.read_sql(sa.text("SELECT * FROM theta_estimates ORDER BY user_id, week_start"), connection)


def reports(parts: Parts) -> pd.DataFrame:
    with parts.engine.connect() as connection:
        return pd.read_sql(sa.text("SELECT * FROM report_artifacts ORDER BY user_id, week_start"), connection)


def page(parts: Parts, user_id: str, week: Week) -> Path:
    return parts.settings.home / "artifacts" / "reports" / week.key / safe_key(user_id) / "weekly_report.html"


def side_by_side(ranges: Sequence[Sequence[str]]) -> list[int | None]:
    """The exit codes of runs of the weekly assets over these ranges of partitions, each in a process of its own."""
    processes = [FORKS.Process(target=_run, args=(dict(os.environ), *ends)) for ends in ranges]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE_S)
    return [process.exitcode for process in processes]


def _run(environment: dict[str, str], first: str, last: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    job = definitions.build(Parts(Settings.load()), quiet).resolve_implicit_global_asset_job_def()
    tags = {RANGE_START: first, RANGE_END: last}
    with dg.DagsterInstance.get() as instance:
        job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey(asset) for asset in WEEKLY], tags=tags)
