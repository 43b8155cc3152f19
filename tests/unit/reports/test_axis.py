from itertools import pairwise

import pytest

from resources.reports.learner.axis import Axis, path, ticks, top


def test_a_scale_is_straight_and_may_point_upwards() -> None:
    y = Axis(200, 800, 222, 12)
    assert [y.at(value) for value in (200, 500, 650, 800)] == [222, 117, 64.5, 12]
    assert y.at(500.123) == 117.0  # a tenth of a unit is finer than any screen


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 7, 13, 40, 41, 99, 2_000, 123_456])
def test_where_answers_are_counted_every_tick_is_a_whole_answer(n: int) -> None:
    """Half answers stood on 814 axes of 4,260."""
    end = top(n, 4)
    marks = list(ticks(0, end, 4))
    assert all(isinstance(mark, int) for mark in marks)
    assert (marks[0], marks[-1]) == (0, end)
    assert max(n, 1) <= end <= max(2.5 * n, 1)
    assert 2 <= len(marks) <= 5


@pytest.mark.parametrize(("low", "high"), [(400, 600), (431.2, 612.5), (-37.5, 21), (199.9, 800), (0, 1_000_000)])
def test_ticks_are_round_evenly_spaced_and_inside(low: float, high: float) -> None:
    marks = list(ticks(low, high, 6))
    steps = {b - a for a, b in pairwise(marks)}
    assert len(steps) == 1
    assert str(steps.pop()).rstrip("0") in {"1", "2", "5"}
    assert 3 <= len(marks) <= 7
    assert low <= marks[0]
    assert marks[-1] <= high


def test_a_path_is_written_to_a_tenth() -> None:
    assert path([(1, 2), (3.25, 4.04)]) == "M1.0 2.0 3.2 4.0"
