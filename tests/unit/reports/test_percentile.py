import numpy as np
import pytest
from scipy import stats

from resources.model import Floats
from resources.reports.learner.percentile import MIN_LEARNERS, standings
from resources.reports.learner.report_input import Standing


def standing(thetas: Floats, theta: float, se: float) -> Standing | None:
    (found,) = standings(thetas, np.array([theta]), np.array([se]))
    return found


def test_percentiles_are_scipys_mean_percentile_ranks() -> None:
    thetas = np.sort(np.random.default_rng(1).normal(size=400).round(1))  # rounded: many are equal
    for theta in (-1.0, 0.0, 0.3, 2.5):
        found = standing(thetas, theta, 0.5)
        assert found is not None
        expected = [stats.percentileofscore(thetas, at, "mean") for at in (theta - 0.98, theta, theta + 0.98)]
        assert (found.low, found.percentile, found.high) == tuple(min(max(round(at), 1), 99) for at in expected)


def test_the_middle_one_of_many_alike_stands_in_the_middle_and_nobody_below_or_above_all() -> None:
    found = standing(np.zeros(30), 1e-12, 0.2)
    assert found is not None
    assert (found.low, found.percentile, found.high) == (1, 50, 99)


def test_among_few_learners_nobody_stands_anywhere() -> None:
    assert standing(np.zeros(MIN_LEARNERS - 1), 0, 1) is None
    assert standing(np.zeros(MIN_LEARNERS), 0, 1) is not None


@pytest.mark.parametrize(("n", "at_least"), [(23, 23), (128, 120), (1_869, 1_800), (987_654, 980_000)])
def test_a_learner_more_among_thousands_changes_nobody_elses_report(n: int, at_least: int) -> None:
    found = standing(np.linspace(-2, 2, n), 0, 0.3)
    assert found is not None
    assert found.learners == at_least
