import numpy as np
import pandas as pd
import pytest

from assets.cohort import estimates
from resources.irt.growth.population import Population


def frame(*rows: tuple[str, float, float, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user_id", "theta", "se", "n_items"])


NOBODY = frame().astype({"theta": float, "se": float, "n_items": int})


def test_bins_hold_their_lower_edge_and_empty_ones_between_are_there():
    made = estimates.distribution(frame(("a", -0.1, 0.5, 9), ("b", 0.5, 0.5, 9), ("c", 0.41, 0.55, 9)))
    theta = made[made["measure"] == "theta"]
    np.testing.assert_allclose(theta["low"], [-0.2, 0.0, 0.2, 0.4], atol=1e-12)
    np.testing.assert_allclose(theta["high"], [0.0, 0.2, 0.4, 0.6], atol=1e-12)
    assert theta["n"].tolist() == [1, 0, 0, 2]
    assert made[made["measure"] == "se"]["n"].tolist() == [2, 0, 1]
    assert estimates.distribution(NOBODY).empty


def test_summary_by_hand():
    """θ: 1, 2, 3 with variance 1; SE²: .04, .04, .10 with mean .06; reliability 1 / 1.06."""
    made = estimates.summary(frame(("a", 1.0, 0.2, 9), ("b", 2.0, 0.2, 9), ("c", 3.0, 0.1**0.5, 9)))
    assert made == pytest.approx(
        {"estimated": 3, "mean_theta": 2.0, "sd_theta": 1.0, "rms_se": 0.06**0.5, "median_se": 0.2,
         "reliability": 1 / 1.06}
    )  # fmt: skip


def test_what_few_learners_cannot_tell_is_missing_and_not_0():
    alone = estimates.summary(frame(("a", 1.0, 0.2, 9)))
    assert (alone["estimated"], alone["mean_theta"], alone["median_se"]) == (1, 1.0, 0.2)
    assert np.isnan([alone["sd_theta"], alone["reliability"]]).all()
    nobody = estimates.summary(NOBODY)
    assert nobody.pop("estimated") == 0
    assert np.isnan(list(nobody.values())).all()


def test_precision_by_theta_and_by_doubling_numbers_of_answers():
    made = estimates.precision(frame(
        ("a", -0.2, 0.8, 4), ("b", -0.4, 0.6, 5), ("c", 0.5, 0.3, 40), ("d", 0.7, 0.1, 9_000)
    ))  # fmt: skip
    by_theta = made[made["by"] == "theta"]
    assert by_theta[["low", "high", "n"]].to_numpy().tolist() == [[-0.5, 0.0, 2], [0.0, 0.5, 0], [0.5, 1.0, 2]]
    np.testing.assert_allclose(by_theta["median"], [0.7, np.nan, 0.2])
    np.testing.assert_allclose(by_theta["p10"], [0.62, np.nan, 0.12])
    np.testing.assert_allclose(by_theta["p90"], [0.78, np.nan, 0.28])
    by_answers = made[made["by"] == "answers"]
    assert by_answers["low"].tolist() == [1, 5, 10, 20, 40, 80, 160, 320], "an axis left out what lay between"
    assert by_answers["high"].tolist()[:3] == [5, 10, 20]
    assert np.isnan(by_answers["high"].iloc[-1])
    assert by_answers["n"].tolist() == [1, 1, 0, 0, 1, 0, 0, 1]
    assert estimates.precision(NOBODY).empty


def test_a_group_of_a_few_is_counted_and_nothing_is_told_of_it():
    learners = frame(*[(f"u{k}", 0.1 * k, 0.3, 9) for k in range(9)])
    made = estimates.by_group(learners, {"3-2": [f"u{k}" for k in range(5)] + ["absent"], "4-1": ["u7", "u8"]})
    assert made[["group", "learners", "estimated"]].to_numpy().tolist() == [["3-2", 6, 5], ["4-1", 2, 2]]
    told, few = made.iloc[0], made.iloc[1]
    assert told["mean"] == pytest.approx(0.2)
    assert told["sd"] == pytest.approx((0.025 + 0.09) ** 0.5)
    assert told["se_mean"] == pytest.approx(told["sd"] / 5**0.5)
    assert few[["mean", "se_mean", "sd", "median_se"]].isna().all()


def test_growth_is_of_the_abilities_and_not_of_the_shrunken_estimates():
    own = frame(("a", 0.0, 0.3, 9), ("b", 1.0, 0.5, 9), ("c", -0.4, 0.4, 9))
    sd = np.sqrt(np.var([0.0, 1.0, -0.4], ddof=1) + (0.09 + 0.25 + 0.16) / 3)
    moved = Population(drift=0.1, drift_se=0.02, n_active=120, n_newcomers=4, enough=True)
    assert estimates.growth(own, moved) == pytest.approx(
        {"n": 3, "mean": 0.2, "se_mean": sd / 3**0.5, "sd": sd, "drift": 0.1, "drift_se": 0.02, "n_active": 120,
         "n_newcomers": 4}
    )  # fmt: skip


@pytest.mark.parametrize("moved", [None, Population(n_active=9)])
def test_a_drift_that_was_not_estimated_is_missing_and_not_zero(moved):
    found = estimates.growth(frame(("a", 1.0, 0.4, 9)), moved)
    assert np.isnan([found["drift"], found["drift_se"], found["sd"]]).all()
    assert found["mean"] == 1.0
