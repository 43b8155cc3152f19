import numpy as np
import pytest
from numpy.testing import assert_allclose

from resources.irt.diagnostics.predictions import Predictions, predict
from resources.irt.response_functions import Floats, Items, probability
from resources.irt.response_matrix import ResponseMatrix
from tests.benchmarks.diagnostics_simulation import answered

GRID = np.linspace(-9, 9, 1801)
ITEMS = Items(np.array([0.7, 1.6, -0.8, 2.2, 1.0, 1.3]), np.array([-1.0, 0.3, 0.5, 1.2, -4.0, 0.0]),
              np.array([0.0, 0.2, 0.0, 0.25, 0.1, 0.0]))  # fmt: skip


def given() -> tuple[ResponseMatrix, Floats, Floats]:
    rng = np.random.default_rng(4)
    mean, sd = rng.normal(size=40), rng.uniform(0.5, 1.5, 40)
    return answered(ITEMS, mean, 4, rng), mean, sd


def from_the_others(answers: ResponseMatrix, k: int, items: Items, mean: Floats, sd: Floats) -> tuple[float, float]:
    """Mean and SD of P of the k-th answer's item, by summing over a fine grid without that answer."""
    user = answers.user[k]
    p = probability(items, GRID)
    others = (answers.user == user) & (np.arange(answers.user.size) != k)
    p_of = p[answers.item[others]]
    likelihood = np.where(answers.correct[others, None] == 1, p_of, 1 - p_of).prod(axis=0)
    weight = likelihood * np.exp(-0.5 * ((GRID - mean[user]) / sd[user]) ** 2)
    weight /= weight.sum()
    own = p[answers.item[k]]
    expected = float(weight @ own)
    return expected, float(np.sqrt(weight @ (own - expected) ** 2))


@pytest.fixture(scope="module")
def found() -> Predictions:
    return predict(*_with_items(*given()))


def _with_items(answers: ResponseMatrix, mean: Floats, sd: Floats) -> tuple[ResponseMatrix, Items, Floats, Floats]:
    return answers, ITEMS, mean, sd


def test_each_answer_is_predicted_from_the_same_learners_other_answers(found: Predictions) -> None:
    answers, mean, sd = given()
    expected = np.array([from_the_others(answers, k, ITEMS, mean, sd) for k in range(answers.user.size)])
    assert_allclose(found.p, expected[:, 0], rtol=0, atol=1e-6)
    signed = expected[:, 1] * np.sign(ITEMS.a[answers.item])
    assert_allclose(found.sd, signed, rtol=0, atol=1e-5)


def test_gradients_are_those_of_the_prediction_by_the_items_own_parameters(found: Predictions) -> None:
    answers, mean, sd = given()
    h = 1e-5
    d, logit_c = -ITEMS.a * ITEMS.b, np.log(np.maximum(ITEMS.c, 1e-300) / (1 - ITEMS.c))
    for k in range(12):
        j = answers.item[k]
        for column in range(3):
            if column == 2 and ITEMS.c[j] == 0:
                assert found.gradient[k, column] == 0
                continue
            ends = []
            for sign in (-1, 1):
                eta = np.stack([ITEMS.a, d, logit_c])
                eta[column, j] += sign * h
                c = np.where(ITEMS.c > 0, 1 / (1 + np.exp(-eta[2])), 0.0)
                ends.append(from_the_others(answers, k, Items(eta[0], -eta[1] / eta[0], c), mean, sd)[0])
            # the others' weights do not hold this item, so only its own curve moves
            assert found.gradient[k, column] == pytest.approx((ends[1] - ends[0]) / (2 * h), abs=2e-6)


def test_the_order_of_answers_and_portions_of_users_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, mean, sd = given()
    whole = predict(answers, ITEMS, mean, sd)
    monkeypatch.setattr("resources.irt.diagnostics.predictions._USERS_AT_ONCE", 7)
    order = np.random.default_rng(1).permutation(answers.user.size)
    mixed = ResponseMatrix(answers.user[order], answers.item[order], answers.correct[order], 40, 6)
    got = predict(mixed, ITEMS, mean, sd)
    assert_allclose(got.p, whole.p[order], rtol=1e-12)
    assert_allclose(got.gradient, whole.gradient[order], rtol=1e-9, atol=1e-15)


def test_a_long_history_is_predicted_on_a_grid_fine_enough_for_it() -> None:
    """600 answers leave an SE of .09: 61 points would be .2 apart."""
    rng = np.random.default_rng(2)
    items = Items(np.full(600, 1.2), rng.normal(size=600), np.zeros(600))
    answers = answered(items, np.array([0.37]), 600, rng)
    got = predict(answers, items)
    for k in (0, 300):
        expected, _ = from_the_others(answers, k, items, np.zeros(1), np.ones(1))
        assert got.p[k] == pytest.approx(expected, abs=1e-7)


def test_no_answers_are_no_predictions() -> None:
    none = np.empty(0, dtype=int)
    got = predict(ResponseMatrix(none, none, none, 3, 6), ITEMS)
    assert (got.p.shape, got.gradient.shape) == ((0,), (0, 3))
