"""What each reading of a blank does to difficulty, by simulation: 20 items, the last five out of reach for the slow."""

import numpy as np
import pytest

from resources.answers.blanks import omitted
from resources.irt.calibration.calibrate import calibrate
from resources.irt.response_functions import Items, probability
from resources.irt.response_matrix import ResponseMatrix
from resources.model import Floats

N, J, LAST = 6_000, 20, 5
TRUE = Items(np.full(J, 1.3), np.tile([-1.0, -0.5, 0.0, 0.5, 1.0], 4), np.zeros(J))
PASSED_OVER = 3  # the item that a quarter of all omit, whatever they know


def exam() -> tuple[Floats, Floats]:
    """Answers of shape (N, J), NaN for a blank, and what `omitted` tells of each. Who is slow has nothing to do with
    ability, and neither has who omits."""
    rng = np.random.default_rng(11)
    correct = (rng.random((J, N)) < probability(TRUE, rng.normal(size=N))).T.astype(np.float64)
    correct[rng.random(N) < 0.25, PASSED_OVER] = np.nan
    for learner in np.flatnonzero(rng.random(N) < 0.4):
        correct[learner, J - rng.integers(1, LAST + 1) :] = np.nan
    number = np.broadcast_to(np.arange(1, J + 1), (N, J))
    session = np.broadcast_to(np.arange(N)[:, None], (N, J))
    return correct, omitted(correct.ravel(), number.ravel(), session.ravel()).reshape(N, J)


CORRECT, TOLD = exam()


def difficulty(correct: Floats) -> tuple[Floats, Floats]:
    """b of every item and its standard error."""
    user, item = np.nonzero(~np.isnan(correct))
    found = calibrate(ResponseMatrix(user, item, correct[user, item].astype(np.int64), N, J), "2PL")
    assert found.converged
    return found.items.b, found.se.b


def test_the_exam_has_both_kinds_of_blanks():
    assert (TOLD[:, PASSED_OVER] == 1).mean() == pytest.approx(0.25, abs=0.02)
    assert (TOLD[:, -1] == 0).mean() == pytest.approx(0.4, abs=0.02)
    assert not (TOLD[:, J - LAST :] == 1).any()


def test_missing_leaves_difficulty_unbiased():
    b, se = difficulty(CORRECT)
    z = (b - TRUE.b) / se
    assert np.abs(z[J - LAST :]).max() < 3
    assert abs(z[PASSED_OVER]) < 3
    assert abs(b[J - LAST :].mean() - TRUE.b[J - LAST :].mean()) < 0.06


def test_wrong_moves_the_omitted_item_and_leaves_those_that_were_not_reached():
    b, se = difficulty(np.where(TOLD == 1, 0.0, CORRECT))
    z = (b - TRUE.b) / se
    assert b[PASSED_OVER] - TRUE.b[PASSED_OVER] > 0.4  # a quarter fewer right answers
    assert np.abs(z[J - LAST :]).max() < 3


def test_the_old_harm_all_blanks_as_wrong_makes_the_last_items_hard():
    """What nothing told apart, and nobody was told of: it must be seen here, or the tests above could not fail."""
    b, _ = difficulty(np.nan_to_num(CORRECT, nan=0.0))
    assert b[-1] - TRUE.b[-1] > 0.5
