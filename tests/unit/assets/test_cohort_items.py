import datetime as dt

import numpy as np
import pandas as pd
import pytest

from assets.calibration.item_bank import new_bank
from assets.cohort import items
from resources.irt.fit import Residuals
from resources.irt.response_functions import Items
from resources.model import ItemBank
from tests import answer_tables
from tests.unit.irt.test_calibration import simulated


def bank(version: str, keys: list[str], a: np.ndarray, b: np.ndarray) -> ItemBank:
    return ItemBank(version, "2PL", tuple(keys), a, b, np.zeros(len(keys)))


def residuals(*of_items: tuple[float, float, float, float, float, float]) -> Residuals:
    return Residuals(*np.array(of_items).T)


def test_items_are_judged_by_infit_and_by_their_surplus_of_right_answers():
    made = items.item_fit(
        residuals(
            (100, 50, 50, 25, 25, 100),  # as expected
            (100, 66, 50, 25, 25, 100),  # 16 more right than expected: 3.2 standard errors of 5
            (100, 50, 50, 25, 33, 120),  # infit 1.32
            (29, 29, 14, 7, 20, 80),  # far off, but too few
            (0, 0, 0, 0, 0, 0),  # nobody answered
        ),
        bank("v", list("abcde"), np.ones(5), np.zeros(5)),
    )
    assert made["verdict"].tolist() == ["fits", "misfit", "misfit", "few", "few"]
    np.testing.assert_allclose(made["z"], [0, 3.2, 0, 15 / 7**0.5, np.nan])
    np.testing.assert_allclose(made["infit"], [1, 1, 1.32, 20 / 7, np.nan])
    np.testing.assert_allclose(made["right"], [0.5, 0.66, 0.5, 1, np.nan])


def test_drift_read_from_two_stored_banks_is_that_of_the_linking_itself():
    rng = np.random.default_rng(5)
    before = bank("before", [f"i{j:02d}" for j in range(24)], rng.lognormal(0, 0.3, 24), rng.normal(size=24))
    moved = Items(before.a, before.b + np.where(np.arange(24) == 7, 1.5, 0.0), before.c)
    answers = simulated(moved, rng.normal(0.4, 1.2, 1_500), share=0.8, seed=5)
    frame = pd.DataFrame({
        "user_id": [f"u{i}" for i in answers.user], "item_key": [f"i{j:02d}" for j in answers.item],
        "topic_id": "A", "completed_at": pd.Timestamp("2025-01-01", tz="UTC"),
        "correct": pd.array(answers.correct == 1, dtype="boolean"),
    })  # fmt: skip
    new = new_bank(answer_tables.answers(frame), "2PL", before, dt.datetime(2025, 1, 6, tzinfo=dt.UTC), lambda *_: None)
    made = items.item_drift(new.bank, before)
    assert made["item"].tolist() == list(new.linking.anchors)
    np.testing.assert_allclose(made["z_a"], new.linking.drift.z_a, atol=1e-9)
    np.testing.assert_allclose(made["z_b"], new.linking.drift.z_b, atol=1e-9)
    assert made["moved"].tolist() == (~new.linking.drift.stable).tolist()
    assert made.set_index("item").loc["i07", "moved"]


@pytest.mark.parametrize("before", [None, bank("other", ["x", "y"], np.ones(2), np.zeros(2))])
def test_a_bank_with_nothing_in_common_has_no_drift(before):
    made = items.item_drift(bank("v", ["a"], np.ones(1), np.zeros(1)), before)
    assert made.empty
    assert list(made.columns) == ["item", "a_before", "a", "b_before", "b", "z_a", "z_b", "moved"]
