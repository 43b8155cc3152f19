"""Calibrating from the database: what comes into force by itself, and what never may."""

import datetime as dt
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa

from assets import item_parameters
from assets.abilities.scoring import ScoringRules
from resources.answers.blanks import Counts, Omitted
from resources.database.engine import transaction
from resources.database.queries import item_banks
from resources.errors import NoItemBank
from resources.ingest import load
from resources.ingest.response_file import from_table
from resources.model import Week
from seedtest_pipeline.demo.synthetic_exam import synthetic_exam

MONDAY = dt.datetime(2025, 1, 6, 10, tzinfo=dt.UTC)
CHARTS = Path(__file__).parents[3] / "quarto" / "charts"


def quiet(task: str, done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def answered(engine) -> sa.Engine:
    exam = synthetic_exam(3, Week.parse("2025-01-06"), n_users=120, n_weeks=3)
    with transaction(engine) as connection:
        load.ingest(connection, exam.as_file(), "exam")
    return engine


def calibrate(engine: sa.Engine, pinned: str | None = None, omitted: Omitted = "missing") -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            [item_parameters.build("2PL", pinned, CHARTS)],
            instance=instance,
            resources={"engine": engine, "rules": ScoringRules(omitted=omitted), "progress": quiet},
            raise_on_error=False,
        )


def in_force(engine: sa.Engine) -> str:
    with transaction(engine) as connection:
        return item_banks.in_force(connection)


def test_the_first_bank_comes_into_force_and_a_later_one_only_by_hand(answered):
    assert calibrate(answered).success
    first = in_force(answered)
    late = [
        {"user_id": f"late{u}", "session_id": "s", "item_id": f"synthetic-algebra-{j:02d}", "correct": (u + j) % 3 > 0,
         "answered_at": dt.datetime(2025, 2, 3, 10, tzinfo=dt.UTC)}
        for u in range(40) for j in range(1, 31)
    ]  # fmt: skip
    with transaction(answered) as connection:
        load.ingest(connection, from_table(pa.Table.from_pylist(late), "late"), "exam")
    result = calibrate(answered)
    assert result.success
    metadata = result.asset_materializations_for_node("item_parameters")[0].metadata
    assert metadata["in force"].value == f"no: {first} is. To change that: seedtest adopt {metadata['version'].value}"
    assert in_force(answered) == first


def test_a_mistyped_bank_version_is_an_error_and_adopts_no_bank_on_a_scale_of_its_own(answered):
    """It was taken for 'no bank yet': the calibration came unlinked into force, and everybody's theta moved."""
    result = calibrate(answered, pinned="2pl-typo")
    assert not result.success
    failure = next(event for event in result.all_events if event.is_step_failure)
    assert "IRT_BANK_VERSION names the item bank 2pl-typo" in failure.step_failure_data.user_failure_data.description
    with pytest.raises(NoItemBank):
        in_force(answered)


def test_omitted_questions_are_counted_and_count_as_the_rule_says(engine):
    """A quarter omits question 2 and does not reach question 8: as wrong answers, only the former moves."""
    rng = np.random.default_rng(2)
    theta, b = rng.normal(size=400), np.linspace(-1, 1, 8)
    right = rng.random((400, 8)) < 1 / (1 + np.exp(-1.3 * (theta[:, None] - b)))
    rows = [
        {"user_id": f"u{u}", "session_id": "s", "item_id": f"q{j + 1}", "answered_at": MONDAY,
         "correct": None if u % 4 == 0 and j in (1, 7) else bool(right[u, j])}
        for u in range(400) for j in range(8)
    ]  # fmt: skip
    with transaction(engine) as connection:
        load.ingest(connection, from_table(pa.Table.from_pylist(rows), "blanks"), "exam")
    difficulty, metadata = {}, {}
    for omitted in ("missing", "wrong"):
        with transaction(engine) as connection:
            connection.exec_driver_sql("TRUNCATE mirt_item_params, mirt_fit_meta")
        made = calibrate(engine, omitted=omitted).asset_materializations_for_node("item_parameters")[0].metadata
        metadata[omitted] = {name: value.value for name, value in made.items()}
        with transaction(engine) as connection:
            bank = item_banks.load(connection, in_force(engine), "2PL")
            assert item_banks.fit(connection, bank.version).details["omitted"] == omitted
        difficulty[omitted] = dict(zip(bank.item_keys, bank.b, strict=True))
    assert difficulty["wrong"]["q2"] - difficulty["missing"]["q2"] > 0.5
    assert abs(difficulty["wrong"]["q8"] - difficulty["missing"]["q8"]) < 0.1
    for omitted, n_used in (("missing", 3000), ("wrong", 3100)):
        told = metadata[omitted]
        assert [told[name] for name in Counts(1, 1, 1).by_name()] == [3000, 100, 100]
        assert (told["an omitted question counts as"], told["first attempts"]) == (omitted, n_used)
