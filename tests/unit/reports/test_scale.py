import pytest

from resources.errors import InvalidInput
from resources.reports.learner.scale import Scale

SCALE = Scale(500, 100, 200, 800)


@pytest.mark.parametrize(
    ("theta", "points", "held"), [(0.42, 542, 542), (-3, 200, 200), (3.5, 850, 800), (-9, -400, 200)]
)
def test_a_score_beyond_an_end_is_held_there_and_known_to_be(theta: float, points: float, held: float) -> None:
    assert SCALE.points(theta) == pytest.approx(points)
    assert SCALE.held(theta) == pytest.approx(held)
    assert SCALE.beyond(theta) == (points != held)


@pytest.mark.parametrize(
    "wrong", [(500, 100, 500, 800), (900, 100, 200, 800), (500, 10, 200, 800), (500, -100, 200, 800)]
)
def test_a_scale_that_could_show_nothing_is_refused(wrong: tuple[int, int, int, int]) -> None:
    with pytest.raises(InvalidInput, match="scale"):
        Scale(*wrong)
