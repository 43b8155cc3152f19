"""Calibrating from the database: what comes into force by itself, and what never may."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa

from assets import item_parameters
from assets.abilities.scoring import ScoringRules
from resources.answers.blanks import Counts, Omitted
from resources.database.engine import make_engine, transaction
from resources.database.queries.items import item_banks
from resources.errors import NoItemBank
from resources.ingest import load
from resources.ingest.response_file import from_table
from resources.model import Week
from seedtest_pipeline.demo.synthetic_exam import synthetic_exam
from tests.databases import copy_of

MONDAY = dt.datetime(2025, 1, 6, 10, tzinfo=dt.UTC)
CHARTS = Path(__file__).parents[3] / "quarto" / "charts"


def quiet(task: str, done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def answered(engine) -> sa.Engine:
    load_first(engine)
    return engine


def load_first(engine: sa.Engine) -> None:
    exam = synthetic_exam(3, Week.parse("2025-01-06"), n_users=120, n_weeks=3)
    with transaction(engine) as connection:
        load.ingest(connection, exam.as_file(), "exam")


def calibrate(
    engine: sa.Engine, pinned: str | None = None, omitted: Omitted = "missing", **config: object
) -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            [item_parameters.build("2PL", pinned, CHARTS)],
            instance=instance,
            resources={"engine": engine, "rules": ScoringRules(omitted=omitted), "progress": quiet},
            run_config={"ops": {"item_parameters": {"config": config}}},
            raise_on_error=False,
        )


def in_force(engine: sa.Engine) -> str:
    with transaction(engine) as connection:
        return item_banks.in_force(connection)


def made(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    assert result.success
    metadata = result.asset_materializations_for_node("item_parameters")[0].metadata
    return {name: value.value for name, value in metadata.items()}


def sentence(result: dg.ExecuteInProcessResult) -> str:
    assert not result.success
    failure = next(event for event in result.all_events if event.is_step_failure)
    return failure.step_failure_data.user_failure_data.description


@pytest.fixture(scope="module")
def after_a_bank(migrated_url) -> Iterator[str]:
    """After a first bank: other learners, a month later, on the same items and five new ones. To copy."""
    with copy_of(migrated_url) as url:
        engine = make_engine(url)
        load_first(engine)
        assert calibrate(engine).success
        load_late(engine)
        engine.dispose()
        yield url


def load_late(engine: sa.Engine) -> None:
    rng = np.random.default_rng(1)
    theta = rng.normal(size=150)
    with transaction(engine) as connection:
        known = item_banks.load(connection, item_banks.in_force(connection)).item_keys
    when = dt.datetime(2025, 2, 3, 10, tzinfo=dt.UTC)
    late = [
        {"user_id": f"late{u}", "session_id": f"s{u}", "item_id": item, "answered_at": when,
         "correct": bool(rng.random() < 1 / (1 + np.exp(-theta[u])))}
        for u in range(150) for item in (*known[:25], *(f"new{j}" for j in range(5)))
    ]  # fmt: skip
    with transaction(engine) as connection:
        load.ingest(connection, from_table(pa.Table.from_pylist(late), "late"), "exam")


@pytest.fixture
def answered_again(after_a_bank) -> Iterator[sa.Engine]:
    with copy_of(after_a_bank) as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()


def test_new_items_join_the_bank_and_it_comes_into_force_only_by_hand(answered_again):
    first = in_force(answered_again)
    of = made(calibrate(answered_again))
    assert of["in force"] == f"no: {first} is. To change that: seedtest adopt {of['version']}"
    assert in_force(answered_again) == first
    assert (of["new items"], of["learners"]) == (5, 150)
    assert "takes 250" in of["few learners"]
    with transaction(answered_again) as connection:
        before, after = item_banks.load(connection, first), item_banks.load(connection, of["version"])
        (old_errors, n_before, calibrated), (errors, n, since) = (
            item_banks.precision(connection, bank) for bank in (before, after)
        )
        assert item_banks.fit(connection, of["version"]).details["until"] == "2025-02-03T10:00:00+00:00"
    assert set(after.item_keys) - set(before.item_keys) == {f"new{j}" for j in range(5)}
    kept = [after.place[key] for key in before.item_keys]
    np.testing.assert_array_equal(after.b[kept], before.b)
    np.testing.assert_allclose(errors[kept], old_errors, rtol=1e-12)
    np.testing.assert_array_equal(n[kept], n_before)
    assert [since[j] for j in kept] == calibrated
    assert since[after.place["new4"]] > max(calibrated)
    assert np.isfinite(errors[:, :2, :2]).all()
    assert n[after.place["new4"]] == 150


def test_all_items_can_be_calibrated_anew(answered_again):
    of = made(calibrate(answered_again, all_items=True))
    first = in_force(answered_again)
    assert of["linked to"].startswith(f"{first}, by ")
    with transaction(answered_again) as connection:
        assert not np.isin(item_banks.load(connection, of["version"]).b, item_banks.load(connection, first).b).any()


def test_without_new_answers_or_new_items_no_bank_is_made(answered_again):
    of = made(calibrate(answered_again))
    with transaction(answered_again) as connection:
        item_banks.adopt(connection, of["version"], dt.datetime.now(dt.UTC))
    assert "There are no first attempts after 2025-02-03 10:00. " in sentence(calibrate(answered_again))
    again = made(calibrate(answered_again, since="ever"))
    assert (again["version"], again["new items"]) == ("none: there is no new item", 0)
    assert again["in force"] == f"as before: {of['version']}"
    assert "write it as 2025-01-31, or `ever`" in sentence(calibrate(answered_again, since="yesterday"))


def test_groups_come_from_a_file_and_a_bad_one_is_named(answered_again, tmp_path):
    file = tmp_path / "groups.csv"

    def told() -> str:
        return sentence(calibrate(answered_again, groups_file=str(file)))

    assert str(file) in told()
    file.write_text("user_id,class\nlate1,A\n")
    assert "it needs the columns user_id and group" in told()
    file.write_text("user_id,group\nlate1,A\nlate2,B\nlate1,B\n")
    assert "line 4: learner late1 is in the groups A and B" in sentence(
        calibrate(answered_again, groups_file=str(file))
    )
    file.write_text("user_id,group\n" + "".join(f"late{u},{'A' if u % 2 else 'B'}\n" for u in range(150)))
    assert calibrate(answered_again, groups_file=str(file)).success


def test_a_mistyped_bank_version_is_an_error_and_adopts_no_bank_on_a_scale_of_its_own(answered):
    """It was taken for 'no bank yet': the calibration came unlinked into force, and everybody's theta moved."""
    result = calibrate(answered, pinned="2pl-typo")
    assert "IRT_BANK_VERSION names the item bank 2pl-typo" in sentence(result)
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
            connection.exec_driver_sql("TRUNCATE seedtest_mirt_item_params, seedtest_mirt_fit_meta")
        metadata[omitted] = made(calibrate(engine, omitted=omitted))
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
