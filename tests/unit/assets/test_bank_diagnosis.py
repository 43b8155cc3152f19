"""What is told of a calibration: faults that were put in are named, with what to do, and a clean bank has peace."""

import numpy as np
import pandas as pd
import pytest

from assets.calibration.diagnosis import Diagnosis, diagnose
from assets.calibration.item_bank import NewBank
from assets.calibration.sample import Chosen
from assets.metadata import bank_diagnosis
from resources.irt.response_functions import Floats, Items
from tests.unit.assets.simulated_banks import answers, calibrated, drawn

N_USERS, N_ITEMS = 1_600, 30
ITEMS = Items(np.full(N_ITEMS, 1.2), np.linspace(-1.5, 1.5, N_ITEMS), np.zeros(N_ITEMS))
GROUPS = {f"1-{u}": "girls" if u % 2 else "boys" for u in range(N_USERS)}


def told(made: NewBank, found: Diagnosis) -> dict[str, object]:
    shown = bank_diagnosis.shown(made, found)
    return {
        name: [dict(record.data) for record in value.records] if hasattr(value, "records") else value.value
        for name, value in shown.items()
    }


def diagnosed(frame: pd.DataFrame) -> dict[str, object]:
    made = calibrated(frame, chosen=Chosen(group_of=GROUPS))
    return told(made, diagnose(made.fitted, "2PL", None, made.made.bank.topics))


def clean() -> pd.DataFrame:
    return answers(drawn(N_USERS, 0.0, 1), ITEMS, 1)


def chance(theta: Floats, b: float) -> Floats:
    return 1 / (1 + np.exp(-1.2 * (theta - b)))


@pytest.fixture(scope="module")
def faulty() -> dict[str, object]:
    """q03 is harder for girls by 1, q10 is answered best in the middle, q21 repeats q20 in nine of ten cases."""
    frame, rng = clean(), np.random.default_rng(2)
    theta = drawn(N_USERS, 0.0, 1)
    key = frame["item_key"]
    girls = np.arange(N_USERS) % 2 == 1
    frame.loc[key == "q03", "correct"] = rng.random(N_USERS) < chance(theta, ITEMS.b[3] + np.where(girls, 1.0, 0.0))
    frame.loc[key == "q10", "correct"] = rng.random(N_USERS) < np.where(theta < 0.8, chance(theta, -0.5), 0.35)
    copied = np.where(rng.random(N_USERS) < 0.9, frame.loc[key == "q20", "correct"], frame.loc[key == "q21", "correct"])
    frame.loc[key == "q21", "correct"] = copied.astype(bool)
    return diagnosed(frame)


def test_an_item_that_does_not_follow_its_curve_is_named_by_size_and_error(faulty):
    """Infit beyond .7 to 1.3, for any number of answers, named none of 328 real items."""
    assert [row["item"] for row in faulty["misfits"]] == ["q10"]
    (row,) = faulty["misfits"]
    assert row["rmsd"] > 0.05 > row["adjusted"]
    assert "key" in row["what to do"]


def test_two_items_that_are_nearly_one_are_named_together(faulty):
    assert [row["items"] for row in faulty["dependent"]] == ["q20, q21"]
    assert faulty["dependent"][0]["Q3"] > 0.5


def test_an_item_that_is_harder_for_one_group_is_class_c(faulty):
    rows = [row for row in faulty["dif"] if row["ETS class"] == "C"]
    assert [row["item"] for row in rows] == ["q03"]
    assert {rows[0]["group"]} <= {"girls against boys", "boys against girls"}
    sign = 1 if rows[0]["group"].startswith("girls") else -1
    assert sign * rows[0]["b is higher by"] == pytest.approx(1.0, abs=0.35)


def test_a_clean_bank_is_left_in_peace_and_its_gaps_are_shown():
    of = diagnosed(clean())
    assert (of["misfits"], of["dependent"]) == ([], [])
    assert not [row for row in of["dif"] if row["ETS class"] == "C"]
    assert of["one dimension?"].startswith("yes: ")
    rows = {row["theta"]: row for row in of["learners and items"]}
    assert sum(row["items"] for row in rows.values()) == N_ITEMS
    assert rows["0 to 1"]["learners, %"] == pytest.approx(34.1, abs=1)
    assert rows["0 to 1"]["gap"] == ""
    assert rows["-3 to -2"]["gap"] == "more items are needed here"
    assert of["most exposed item"].endswith("seen by 100 % of the learners")


def test_two_abilities_in_one_bank_do_not_pass_in_silence():
    """Two topics at a correlation of .3 were one scale without a word."""
    rng = np.random.default_rng(3)
    theta = rng.multivariate_normal([0, 0], [[1, 0.3], [0.3, 1]], 1_000)
    frame = answers(theta[:, 0], ITEMS, 1)
    second = frame["item_key"] >= "q15"
    other = answers(theta[:, 1], ITEMS, 1)
    frame.loc[second, "correct"] = other.loc[second, "correct"]
    frame.loc[second, "topic_id"] = "B"
    said = diagnosed(frame)["one dimension?"]
    assert said.startswith("NO: ")
    assert "calibrate the topics or exams apart" in said
