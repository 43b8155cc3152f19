import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from resources.irt.point_estimates import posterior_mode, wle
from resources.irt.response_functions import Floats, Items, log_right, log_wrong, probability
from resources.irt.response_matrix import ResponseMatrix
from resources.irt.score_function import sums_at, third_moments
from tests.unit.irt import reference


def own2pl() -> tuple[ResponseMatrix, Items]:
    frame, responses = reference.read("own/own2pl_2pl_items.csv"), reference.read("own/own2pl_responses.csv").to_numpy()
    user, item = np.indices(responses.shape).reshape(2, -1)
    items = Items(*(frame[name].to_numpy(np.float64) for name in ("a", "b", "g")))
    return ResponseMatrix(user, item, responses[user, item], *responses.shape), items


def exam(n_users: int, n: int, guessing: float) -> tuple[ResponseMatrix, Items]:
    rng = np.random.default_rng(n)
    items = Items(rng.lognormal(0, 0.3, 60), rng.normal(size=60), np.full(60, guessing))
    user, item = np.repeat(np.arange(n_users), n), np.concatenate([rng.permutation(60)[:n] for _ in range(n_users)])
    right = rng.random(user.size) < probability(items, np.array([0.5]))[item, 0]
    return ResponseMatrix(user, item, right.astype(int), n_users, 60), items


def log_likelihood(answers: ResponseMatrix, items: Items, user: int, theta: float) -> float:
    own, at = answers.user == user, np.array([theta])
    right = answers.correct[own].astype(bool)
    both = np.where(right, log_right(items, at)[answers.item[own], 0], log_wrong(items, at)[answers.item[own], 0])
    return float(both.sum())


def test_wle_and_map_equal_mirt() -> None:
    answers, items = own2pl()
    scores = reference.read("own/own2pl_2pl_scores.csv")
    # mirt stops its search early, at some 1e-6
    assert_allclose(wle(answers, items).theta, scores["WLE"], atol=1e-5)
    found = posterior_mode(answers, items)
    assert_allclose(found.theta, scores["MAP"], atol=1e-5)
    assert_allclose(found.se, scores["MAP_SE"], atol=1e-4)


def test_mirt_takes_the_wle_se_from_the_slope_and_warm_from_the_information() -> None:
    answers, items = own2pl()
    found = wle(answers, items)

    def f(theta: Floats) -> Floats:
        sums = sums_at(answers, items, theta)
        return sums.score + sums.j / (2 * sums.information)

    slope = (f(found.theta - 1e-4) - f(found.theta + 1e-4)) / 2e-4
    expected = reference.read("own/own2pl_2pl_scores.csv")["WLE_SE"]
    assert_allclose(slope**-0.5, expected, atol=5e-4)  # its derivative is numerical
    assert_allclose(found.se, expected, atol=0.03)


@pytest.mark.parametrize("n", [1, 4, 20])
def test_under_the_2pl_the_wle_is_the_mode_under_jeffreys_prior(n: int) -> None:
    answers, items = exam(5, n, 0.0)
    found = wle(answers, items)
    for user in range(5):
        own = answers.item[answers.user == user]

        def weighted(theta: float, user: int = user, own: np.ndarray = own) -> float:
            p = probability(items.at(own), np.array([theta]))[:, 0]
            information = (items.a[own] ** 2 * p * (1 - p)).sum()
            return -log_likelihood(answers, items, user, theta) - 0.5 * np.log(information)

        best = minimize_scalar(weighted, bracket=(-1.0, 1.0), tol=1e-12)
        assert found.theta[user] == pytest.approx(best.x, abs=1e-6)


def test_under_the_3pl_the_score_function_is_the_derivative_and_warms_term_as_he_wrote_it() -> None:
    answers, items = exam(6, 8, 0.25)
    theta, h = np.linspace(-2, 2, 6), 1e-5
    sums = sums_at(answers, items, theta)
    for user in range(6):
        up, down = (log_likelihood(answers, items, user, theta[user] + side * h) for side in (1, -1))
        assert sums.score[user] == pytest.approx((up - down) / (2 * h), abs=1e-6)
        own = items.at(answers.item[answers.user == user])
        p, above, below = (probability(own, np.array([theta[user] + step]))[:, 0] for step in (0, 1e-4, -1e-4))
        first, second = (above - below) / 2e-4, (above - 2 * p + below) / 1e-8
        assert sums.information[user] == pytest.approx((first**2 / (p * (1 - p))).sum(), rel=1e-5)
        third = third_moments(own, np.array([theta[user]]))[:, 0]
        assert_allclose(third, p * (1 - p) * (1 - 2 * p) * (first / (p * (1 - p))) ** 3, rtol=1e-5, atol=1e-9)
        assert sums.j[user] == pytest.approx((first * second / (p * (1 - p))).sum(), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(("hard_right", "taken"), [(2, 0), (4, 1)])
def test_of_two_roots_under_the_3pl_the_one_with_the_larger_weighted_likelihood_is_taken(
    hard_right: int, taken: int
) -> None:
    # Four easy items right, some of six hard ones right too: by guessing, or by knowing and slips?
    items = Items(np.full(10, 2.5), np.repeat([-2.0, 2.0], [4, 6]), np.full(10, 0.25))
    right = (np.arange(10) < 4 + hard_right).astype(int)
    answers = ResponseMatrix(np.zeros(10, dtype=int), np.arange(10), right, 1, 10)

    def f(theta: float) -> float:
        sums = sums_at(answers, items, np.array([theta]))
        return float((sums.score + sums.j / (2 * sums.information))[0])

    grid = np.linspace(-6, 6, 601)
    values = np.array([f(theta) for theta in grid])
    roots = grid[:-1][(values[:-1] > 0) & (values[1:] <= 0)]
    weight = [quad(f, -6, root, limit=500)[0] for root in roots]
    assert roots.size == 2
    assert np.argmax(weight) == taken
    assert wle(answers, items).theta[0] == pytest.approx(roots[taken], abs=0.02)


@pytest.mark.parametrize("guessing", [0.0, 0.25])
@pytest.mark.parametrize("right", [0, 1])
@pytest.mark.parametrize("n", [1, 50])
def test_all_right_and_all_wrong_are_finite(guessing: float, right: int, n: int) -> None:
    answers, items = exam(1, n, guessing)
    found = wle(ResponseMatrix(answers.user, answers.item, np.full(n, right), 1, 60), items)
    assert np.isfinite(found.theta[0])
    assert np.sign(found.theta[0] - np.median(items.b)) == (1 if right else -1)


def test_without_answers_nothing_is_known() -> None:
    answers, items = exam(2, 5, 0.0)
    third = ResponseMatrix(answers.user, answers.item, answers.correct, 3, 60)
    found = wle(third, items)
    assert np.isnan(found.theta[2])
    assert np.isnan(found.se[2])
    assert found.information[2] == 0
    assert_allclose(found.theta[:2], wle(answers, items).theta, rtol=1e-9)


def test_the_wle_is_nearly_unbiased_where_posterior_means_are_not() -> None:
    rng = np.random.default_rng(3)
    n_users, n = 4_000, 30
    items = Items(rng.lognormal(0, 0.3, n), rng.normal(0, 1.2, n), np.zeros(n))
    right = rng.random((n_users, n)) < probability(items, np.array([1.5]))[:, 0]
    user, item = np.indices((n_users, n)).reshape(2, -1)
    answers = ResponseMatrix(user, item, right.ravel().astype(int), n_users, n)
    assert abs(wle(answers, items).theta.mean() - 1.5) < 0.02
    assert posterior_mode(answers, items).theta.mean() < 1.4
