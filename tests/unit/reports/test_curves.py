import numpy as np
import pytest
from numpy.testing import assert_allclose

from docs.sample_learner import answers
from resources.irt import fit, response_functions
from resources.irt.response_matrix import Answers as Scorable
from resources.model import ItemBank
from resources.reports.learner.curves import information, probability_right
from resources.reports.learner.person_fit import MIN_ANSWERS, person_fit

N = 60
RANDOM = np.random.default_rng(5)
BANK_3PL = ItemBank(
    "v", "3PL", tuple(f"q{j}" for j in range(N)),
    RANDOM.uniform(0.4, 2.5, N), RANDOM.normal(0, 1.5, N), RANDOM.uniform(0, 0.3, N),
)  # fmt: skip
ITEMS = response_functions.Items(BANK_3PL.a, BANK_3PL.b, BANK_3PL.c)


@pytest.mark.parametrize("theta", [-6.0, -0.3, 0.0, 1.7, 6.0])
def test_chances_and_information_are_those_of_the_estimator(theta: float) -> None:
    assert_allclose(
        probability_right(BANK_3PL, theta), response_functions.probability(ITEMS, np.array([theta]))[:, 0], rtol=1e-12
    )
    assert_allclose(
        information(BANK_3PL, theta), response_functions.information(ITEMS, np.array([theta]))[:, 0], rtol=1e-9
    )


def test_person_fit_is_the_estimators_lz_of_the_first_scored_answers() -> None:
    correct = (RANDOM.random(N) < 0.5).tolist()
    found = person_fit(answers([*correct, True], items=[*BANK_3PL.item_keys, "unknown"]), BANK_3PL, theta=0.2)
    assert found is not None
    scorable = Scorable(np.zeros(N, int), np.arange(N), np.array(correct, int), 1, N)
    assert found.n == N
    assert found.lz == pytest.approx(fit.lz(scorable, ITEMS, np.array([0.2]))[0], abs=1e-10)


def test_with_few_answers_or_a_pattern_that_cannot_vary_nothing_is_said() -> None:
    assert person_fit(answers([True] * (MIN_ANSWERS - 1)), BANK_3PL, 0.0) is None
    assert person_fit(answers([True] * MIN_ANSWERS), BANK_3PL, 0.0) is not None
    far_too_easy = ItemBank("v", "2PL", BANK_3PL.item_keys, np.full(N, 2.0), np.full(N, -40.0), np.zeros(N))
    assert person_fit(answers([True] * N), far_too_easy, 0.0) is None
