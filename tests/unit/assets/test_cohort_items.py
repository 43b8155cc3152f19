import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from assets.calibration.item_bank import Linking
from assets.cohort import items
from assets.metadata import bank as bank_metadata
from resources.database.queries.items.item_banks import Fit
from resources.irt.calibration.drift import drift
from resources.irt.calibration.linking import Link
from resources.irt.fit import Residuals
from resources.irt.response_functions import Items
from resources.model import ItemBank, ItemCatalogue, ItemDetails


def bank(version: str, keys: list[str], a: np.ndarray, b: np.ndarray) -> ItemBank:
    return ItemBank(version, "2PL", tuple(keys), a, b, np.zeros(len(keys)))


def residuals(*of_items: tuple[float, float, float, float, float, float, float]) -> Residuals:
    return Residuals(*np.array(of_items).T)


def test_items_are_judged_by_size_and_error_of_infit_and_of_their_surplus_of_right_answers():
    """By infit beyond .7 and 1.3 alone, 18 % of perfect items with 40 answers misfit, and no real one with hundreds."""
    made = items.item_fit(
        residuals(
            (100, 50, 50, 25, 6, 25, 100),  # as expected
            (100, 66, 50, 25, 6, 25, 100),  # 16 more right than expected: 3.2 standard errors of 5
            (900, 450, 450, 225, 54, 245, 950),  # infit 1.09, and 6.7 standard errors of .0133 from 1
            (40, 20, 20, 8, 1.7, 10.8, 45),  # infit 1.35, and its standard error .137
            (90_000, 45_900, 45_000, 22_500, 5_400, 22_500, 90_000),  # 6 standard errors, and one answer in a hundred
            (29, 29, 14, 7, 1.7, 20, 80),  # far off, but too few
            (0, 0, 0, 0, 0, 0, 0),  # nobody answered
        ),
        bank("v", list("abcdefg"), np.ones(7), np.zeros(7)),
    )
    assert made["verdict"].tolist() == ["fits", "misfit", "misfit", "fits", "fits", "few", "few"]
    np.testing.assert_allclose(made["z"][[0, 1, 4]], [0, 3.2, 6])
    np.testing.assert_allclose(made["infit"], [1, 1, 49 / 45, 1.35, 1, 20 / 7, np.nan])
    np.testing.assert_allclose(made["infit_z"][2:4], [4 / 45 / (9**0.5 / 225), 0.35 / (1.2**0.5 / 8)])
    np.testing.assert_allclose(made["right"], [0.5, 0.66, 0.5, 0.5, 0.51, 1, np.nan])


def test_what_the_calibration_found_is_a_row_each_and_nothing_where_it_is_not_known():
    stored = {
        "misfits": [{"item": "q1", "rmsd": 0.0712}], "dependent": [{"items": "q2, q3", "Q3": 0.5}],
        "dif": [{"item": "q4", "ETS class": "C", "MH D-DIF": -1.8, "group": "b against a"}],
    }  # fmt: skip
    made = items.diagnosis(replace(fit([]), details={"diagnosis": stored}))
    assert made.to_numpy().tolist() == [
        ["misfit", "q1", "rmsd 0.071"], ["dependent", "q2, q3", "Q3 0.50"],
        ["DIF, class C", "q4", "D -1.80, b against a"],
    ]  # fmt: skip
    assert items.diagnosis(None).empty
    assert items.diagnosis(fit([])).empty


def test_drift_is_what_the_calibration_stored_of_it_the_farthest_first():
    before = Items(np.ones(3), np.array([-1.0, 0.0, 1.0]), np.zeros(3))
    now = Items(np.ones(3), np.array([-1.0, 1.0, 1.1]), np.zeros(3))
    errors = np.tile(np.diag([0.01, 0.01, np.nan]), (3, 1, 1))
    linking = Linking("b1", Link(1.0, 0.0), ("x", "y", "z"), before, now, drift(before, now, errors, errors))
    made = items.item_drift(fit(bank_metadata.drift(linking)))
    assert made["item"].tolist() == ["y", "z", "x"]
    assert made["moved"].tolist() == [True, False, False]
    assert made[["b_before", "b"]].to_numpy().tolist() == [[0, 1], [1, 1.1], [-1, -1]]
    assert made["shift"][0] == pytest.approx(-0.19, abs=0.02)


def fit(of_items: object) -> Fit:
    return Fit(True, 10, -1.0, 300, 3_000, dt.datetime(2025, 1, 6, tzinfo=dt.UTC), {"drift": of_items})


@pytest.mark.parametrize("made", [None, fit([]), fit("of another release")])
def test_a_bank_with_nothing_in_common_has_no_drift(made):
    table = items.item_drift(made)
    assert table.empty
    assert list(table.columns) == ["item", "moved", "shift", "area", "z", "p", "a_before", "b_before", "a", "b"]


def test_topics_add_up_their_items_and_items_without_one_are_in_none():
    of = bank("v", list("abcd"), np.ones(4), np.zeros(4))
    of = replace(of, topics={"a": "Algebra", "b": "Algebra"})
    catalogue = ItemCatalogue({"c": ItemDetails(None, "Sets", None)})
    sums = residuals(*[(100, n, 50, 25, 6, 25, 100) for n in (60, 54, 45, 99)])
    made = items.topics(sums, of, catalogue)
    assert made["topic"].tolist() == ["Algebra", "Sets"]
    assert made[["items", "n"]].to_numpy().tolist() == [[2, 200], [1, 100]]
    np.testing.assert_allclose(made["right"], [0.57, 0.45])
    np.testing.assert_allclose(made["z"], [14 / 50**0.5, -1.0])


def test_learners_and_items_stand_on_one_axis_and_far_ones_in_its_last_bins():
    of = bank("v", list("abc"), np.ones(3), np.array([-0.1, 0.1, 30.0]))
    made = items.wright_map(of, pd.DataFrame({"theta": [0.05, 0.3, -9.0]}))
    assert (made["learners"].sum(), made["items"].sum()) == (3, 3)
    assert made[["low", "learners", "items"]].iloc[[0, -1]].to_numpy().tolist() == [[-4.5, 1, 0], [4.5, 0, 1]]
    by_low = made.set_index("low")
    assert by_low.loc[0.0, ["learners", "items"]].tolist() == [1, 1]
    assert by_low.loc[-0.25, ["learners", "items"]].tolist() == [0, 1]
    p = 1 / (1 + np.exp(-(0.125 - np.array([-0.1, 0.1, 30.0]))))
    assert by_low.loc[0.0, "information"] == pytest.approx((p * (1 - p)).sum())
