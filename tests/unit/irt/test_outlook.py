"""The chance of a level some weeks ahead: in closed form, and as often true as it says."""

import doctest
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from resources.irt.growth import outlook
from resources.irt.growth.outlook import Outlook
from tests.benchmarks.outlook_table import foretold

ONE = Outlook(0.2, 0.3, 6.0, (0.02, 0.10, 0.06, 0.02, 0.10), (0.01, 0.02, 0.02, 0.02, 0.01), 0.05)


def test_the_example_holds() -> None:
    assert doctest.testmod(outlook).failed == 0


def test_a_million_walks_end_where_it_says() -> None:
    """The mean drift is itself uncertain, and each coming week's step lies around it."""
    rng, n = np.random.default_rng(1), 1_000_000
    v = np.var(ONE.drifts, ddof=1)
    between = v - np.mean(np.square(ONE.drift_ses))
    mean = rng.normal(np.mean(ONE.drifts), np.sqrt(v / 5), n)
    group = rng.normal(0, np.sqrt(between), (6, n)).sum(axis=0) + 6 * mean
    end = rng.normal(0.2, 0.3, n) + group + rng.normal(0, 0.05 * np.sqrt(6), n)
    assert_allclose((end.mean(), end.std()), (ONE.mean_then, ONE.sd_then), atol=2e-3)
    found = ONE.chance(0.7)
    assert found.chance == pytest.approx(np.mean(end >= 0.7), abs=2e-3)
    assert found.low < found.chance < found.high


def test_it_is_told_of_weeks_ahead_that_are_not_too_many_once_four_are_known() -> None:
    assert ONE.can_be_told
    assert not replace(ONE, drifts=ONE.drifts[:3], drift_ses=ONE.drift_ses[:3]).can_be_told
    assert not replace(ONE, weeks=0.0).can_be_told
    assert not replace(ONE, weeks=10.1).can_be_told


def test_of_goals_with_a_chance_so_many_are_reached() -> None:
    """Four groups of 500, three weeks ahead; among 200 and more of a bin a share is known to .035."""
    groups = [foretold(0.08, 0.03, 3, 500, 0.05, seed) for seed in range(4)]
    chance, reached, off = (
        np.concatenate([getattr(of, part) for of in groups]) for part in ("chance", "reached", "off")
    )
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.0)):
        of = (chance >= low) & (chance < high)
        assert of.sum() > 200
        assert reached[of].mean() == pytest.approx(chance[of].mean(), abs=0.08)
    assert 0.92 < np.mean(np.abs(off) < 1.96) < 0.99
