import numpy as np

from resources.irt.calibration.calibrate import calibrate
from resources.irt.calibration.screening import after_calibration, before_calibration
from resources.irt.response_functions import Items
from resources.irt.response_matrix import ResponseMatrix
from tests.unit.irt.test_calibration import simulated


def test_before_calibration_names_the_first_reason_for_each_item() -> None:
    n = np.array([40, 29, 30, 35, 0])
    item = np.repeat(np.arange(5), n)
    correct = np.concatenate([np.arange(40) % 2, np.ones(29), np.ones(30), np.zeros(35)]).astype(int)
    answers = ResponseMatrix(np.arange(item.size) % 40, item, correct, 40, 5)
    got = before_calibration(answers)
    assert got.kept.tolist() == [True, False, False, False, False]
    assert dict(got.left_out) == {
        1: "29 answers, fewer than 30",
        2: "all 30 answers right",
        3: "all 35 answers wrong",
        4: "0 answers, fewer than 30",
    }


def test_after_calibration_finds_the_wrong_key_and_the_item_that_tells_nothing() -> None:
    rng = np.random.default_rng(1)
    a = np.full(25, 1.3)
    a[[3, 8, 11]] = -1.0, 0.0, 40.0
    items = Items(a, np.where(a == 40, 0.3, rng.normal(size=25)), np.zeros(25))
    got = after_calibration(calibrate(simulated(items, rng.normal(size=4_000)), se_method="none"))
    reasons = dict(got.left_out)
    assert set(reasons) == {3, 8, 11} == set(np.flatnonzero(~got.kept))
    assert "negative" in reasons[3]
    assert "below 0.1" in reasons[8] or "negative" in reasons[8]
    assert "above 5" in reasons[11]
