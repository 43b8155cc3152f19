import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from resources.irt.eap import eap, eap_on_grid
from resources.irt.response_functions import Floats, Items, information, probability
from resources.irt.response_matrix import ResponseMatrix
from tests.unit.irt import reference


@pytest.mark.parametrize("name", reference.SCORED_SETS)
@pytest.mark.parametrize(
    ("column", "grid"),
    [("EAP61", np.linspace(-6, 6, 61)), ("EAP121", np.linspace(-6, 6, 121)), ("EAP41_4", np.linspace(-4, 4, 41))],
)
def test_equals_mirt_on_the_same_grid(name: str, column: str, grid: Floats) -> None:
    scores = reference.read(f"{name}_scores.csv")
    got = eap_on_grid(reference.patterns(scores), reference.items(name), grid, 0.0, reference.group_sd(name))
    # the same sums in another order, items printed to 15 digits
    assert_allclose(got.mean, scores[column], rtol=0, atol=1e-12)
    assert_allclose(got.sd, scores[f"{column}_SE"], rtol=0, atol=1e-12)


def test_equals_mirt_under_another_prior() -> None:
    scores, frame = reference.read("fixed12_2pl_scores.csv"), reference.read("fixed12_items.csv")
    items = Items(*(reference.column(frame, name) for name in ("a", "b", "c2")))
    got = eap_on_grid(reference.patterns(scores), items, np.linspace(-8, 8, 121), 0.5, np.sqrt(2))
    assert_allclose(got.mean, scores["EAP_m05_v2_q121_l8"], rtol=0, atol=1e-12)
    assert_allclose(got.sd, scores["EAP_m05_v2_q121_l8_SE"], rtol=0, atol=1e-12)


def test_sparse1_equals_mirt() -> None:
    long, scores = reference.read("sparse1_long.csv").dropna(), reference.read("sparse1_2pl_scores.csv")
    bank = reference.read("sparse1_2pl_items_tight.csv")
    items = Items(reference.column(bank, "a"), reference.column(bank, "b"), np.zeros(len(bank)))
    columns = (long[name].to_numpy(np.int64) for name in ("user_id", "item_id", "response"))
    got = eap_on_grid(ResponseMatrix(*columns, len(scores), len(bank)), items, np.linspace(-6, 6, 61))
    assert_allclose(got.mean, scores["EAP61"], rtol=0, atol=1e-10)
    assert_allclose(got.sd, scores["EAP61_SE"], rtol=0, atol=1e-10)


def exact(answers: ResponseMatrix, items: Items, prior_sd: float) -> tuple[float, float]:
    """Moments of the one user's posterior on 1,001 points over all that is within exp(-60) of its maximum."""
    low, high = -200 * prior_sd, 200 * prior_sd
    for points in (*[101] * 8, 1_001):
        theta = np.linspace(low, high, points)
        p = probability(items, theta)
        # log P and log(1 - P) as written in textbooks: an independent route where neither rounds to 0
        with np.errstate(divide="ignore"):
            log_p = np.where(answers.correct[:, None], np.log(p[answers.item]), np.log1p(-p[answers.item]))
        log_density = log_p.sum(axis=0) - 0.5 * (theta / prior_sd) ** 2
        within = theta[log_density > log_density.max() - 60]
        low, high = within[0] - (theta[1] - theta[0]), within[-1] + (theta[1] - theta[0])
    density = np.exp(log_density - log_density.max())
    mean = float((density * theta).sum() / density.sum())
    return mean, float(np.sqrt((density * (theta - mean) ** 2).sum() / density.sum()))


@pytest.mark.parametrize("guessing", [0.0, 0.2])
@pytest.mark.parametrize("n", [1, 3, 10, 60, 200, 1_000])
@pytest.mark.parametrize("prior_sd", [1.0, 3.0])
def test_se_is_exact_to_1e6_of_itself(n: int, guessing: float, prior_sd: float) -> None:
    rng = np.random.default_rng(n)
    items = Items(rng.lognormal(0, 0.3, n), rng.normal(size=n), np.full(n, guessing))
    for correct in (rng.random(n) < probability(items, np.array([0.7]))[:, 0], rng.random(n) < guessing, items.b > 0):
        answers = ResponseMatrix(np.zeros(n, dtype=int), np.arange(n), correct.astype(int), 1, n)
        got = eap(answers, items, 0.0, prior_sd)
        mean, sd = exact(answers, items, prior_sd)
        assert got.sd[0] == pytest.approx(sd, rel=1e-6)
        assert got.mean[0] == pytest.approx(mean, abs=1e-6 * sd)


def test_guessing_under_a_wide_prior_was_off_by_a_tenth_when_only_spacing_against_sd_was_asked() -> None:
    # Right answers at chance level: the posterior falls from its plateau within a tenth of its SD.
    rng = np.random.default_rng(3)
    n_users, n = 300, 60
    items = Items(np.full(n, 3.0), rng.normal(size=n), np.full(n, 0.2))
    answers = ResponseMatrix(
        np.repeat(np.arange(n_users), n), np.tile(np.arange(n), n_users), rng.binomial(1, 0.2, n_users * n), n_users, n
    )  # fmt: skip
    got = eap(answers, items, 0.0, 3.0)
    fine = eap_on_grid(answers, items, np.linspace(-40, 40, 8_001), 0.0, 3.0)
    assert_allclose(got.sd, fine.sd, rtol=5e-6)


def test_the_sd_of_a_prior_may_be_a_hundred() -> None:
    n = 60
    items = Items(np.ones(n), np.linspace(-2, 2, n), np.full(n, 0.2))
    one_in_five = (np.arange(n) % 5 == 0).astype(int)
    answers = ResponseMatrix(np.zeros(n, dtype=int), np.arange(n), one_in_five, 1, n)
    got = eap(answers, items, 0.0, 100.0)
    fine = eap_on_grid(answers, items, np.linspace(-1_200, 1_200, 24_001), 0.0, 100.0)
    assert_allclose([got.mean[0], got.sd[0]], [fine.mean[0], fine.sd[0]], rtol=1e-5)


def test_a_symmetric_posterior_with_steep_edges_is_not_believed_because_its_mean_agrees() -> None:
    # Right where it is easy, wrong where it is hard: symmetric, so that half of any grid gives the same mean.
    items = Items(np.full(2, 40.0), np.array([-1.03, 1.03]), np.zeros(2))
    got = eap(ResponseMatrix(np.zeros(2, dtype=int), np.arange(2), np.array([1, 0]), 1, 2), items)
    fine = eap_on_grid(ResponseMatrix(np.zeros(2, dtype=int), np.arange(2), np.array([1, 0]), 1, 2), items,
                       np.linspace(-6, 6, 12_001))  # fmt: skip
    assert got.mean[0] == pytest.approx(0, abs=1e-12)
    assert got.sd[0] == pytest.approx(fine.sd[0], rel=1e-6)


def test_50000_responses() -> None:
    n, n_items = 50_000, 2_000
    rng = np.random.default_rng(50)
    items = Items(rng.lognormal(0, 0.3, n_items), rng.normal(size=n_items), np.zeros(n_items))
    item = rng.integers(0, n_items, n)
    correct = rng.random(n) < probability(items, np.array([1.0]))[item, 0]
    got = eap(ResponseMatrix(np.zeros(n, dtype=int), item, correct.astype(int), 1, n_items), items)
    expected_sd = 1 / np.sqrt(1 + information(items, got.mean)[item].sum())
    assert abs(got.mean[0] - 1) < 4 * expected_sd
    assert got.sd[0] == pytest.approx(expected_sd, rel=1e-3)  # normal approximation, exact to 1/n


def test_a_posterior_that_falls_between_all_points_of_the_half_grid() -> None:
    # All mass on one point that the half grid leaves out was 0 / 0.
    n = 10_000
    items = Items(np.full(n, 10.0), np.full(n, 0.1), np.zeros(n))
    correct = np.arange(n) % 2
    got = eap(ResponseMatrix(np.zeros(n, dtype=int), np.arange(n), correct, 1, n), items)
    assert got.mean[0] == pytest.approx(0.1, abs=1e-4)
    assert got.sd[0] == pytest.approx(1 / np.sqrt(1 + 100 * n / 4), rel=1e-3)


def test_a_mode_far_outside_the_first_grid_is_found() -> None:
    n = 3_000
    items = Items(np.full(n, 2.0), np.full(n, -30.0), np.zeros(n))
    got = eap(ResponseMatrix(np.zeros(n, dtype=int), np.arange(n), np.zeros(n, dtype=int), 1, n), items)
    assert -36 < got.mean[0] < -30


def test_without_answers_the_prior_remains() -> None:
    nothing = np.zeros(0, dtype=int)
    got = eap(ResponseMatrix(nothing, nothing, nothing, 2, 1), Items(np.ones(1), np.zeros(1), np.zeros(1)), 0.5, 2.0)
    assert_allclose(got.mean, 0.5, rtol=1e-12)
    assert_allclose(got.sd, 2.0, rtol=1e-6)


def test_parameters_that_are_not_finite_are_an_error() -> None:
    one = np.zeros(1, dtype=int)
    with pytest.raises(ArithmeticError, match="user 0"):
        eap(ResponseMatrix(one, one, one, 1, 1), Items(np.full(1, np.nan), np.zeros(1), np.zeros(1)))


@pytest.mark.parametrize("index", [("user", 2), ("item", 3), ("correct", 2), ("item", -1)])
def test_an_index_out_of_range_is_refused_and_not_read_as_another_column(index: tuple[str, int]) -> None:
    columns = {name: np.zeros(1, dtype=int) for name in ("user", "item", "correct")} | {index[0]: np.array([index[1]])}
    with pytest.raises(ValueError, match=index[0]):
        ResponseMatrix(**columns, n_users=2, n_items=3)


# Properties. One learner's answers to the first items of a bank that hypothesis draws.

parameters = st.tuples(st.floats(0.3, 3.0), st.floats(-3.0, 3.0), st.sampled_from([0.0, 0.1, 0.25]))
banks = st.lists(parameters, min_size=1, max_size=30).map(lambda rows: Items(*np.array(rows).T))


@st.composite
def exams(draw: st.DrawFn, guessing: bool = True) -> tuple[Items, np.ndarray]:
    items = draw(banks)
    if not guessing:
        items = Items(items.a, items.b, np.zeros(items.a.size))
    return items, np.array(draw(st.lists(st.integers(0, 1), min_size=items.a.size, max_size=items.a.size)))


def scored(items: Items, correct: np.ndarray, prior_mean: float = 0.0) -> tuple[float, float]:
    n = correct.size
    got = eap(ResponseMatrix(np.zeros(n, dtype=int), np.arange(n), correct, 1, items.a.size), items, prior_mean)
    return float(got.mean[0]), float(got.sd[0])


@given(exams())
def test_the_order_of_responses_does_not_matter(exam: tuple[Items, np.ndarray]) -> None:
    items, correct = exam
    order = np.random.default_rng(correct.size).permutation(correct.size)
    user = np.zeros(correct.size, dtype=int)
    straight = eap(ResponseMatrix(user, np.arange(correct.size), correct, 1, correct.size), items)
    shuffled = eap(ResponseMatrix(user, order, correct[order], 1, correct.size), items)
    assert_allclose(shuffled.mean, straight.mean, rtol=0, atol=1e-12)
    assert_allclose(shuffled.sd, straight.sd, rtol=1e-12)


@given(exams(guessing=False), st.integers(0))
def test_one_more_right_answer_never_lowers_theta(exam: tuple[Items, np.ndarray], place: int) -> None:
    items, correct = exam
    better = correct.copy()
    better[place % correct.size] = 1
    assert scored(items, better)[0] >= scored(items, correct)[0] - 1e-9


@given(exams())
def test_one_more_response_never_raises_the_expected_variance(exam: tuple[Items, np.ndarray]) -> None:
    items, correct = exam
    before = scored(items, correct[:-1])[1] if correct.size > 1 else 1.0
    outcomes = [scored(items, np.append(correct[:-1], y)) for y in (0, 1)]
    # p: predictive probability of a right answer. It follows from the means: the posterior mean is a martingale.
    mean = scored(items, correct[:-1])[0] if correct.size > 1 else 0.0
    (low, sd_wrong), (high, sd_right) = outcomes
    p = (mean - low) / (high - low)
    assert 0 < p < 1
    assert p * sd_right**2 + (1 - p) * sd_wrong**2 <= before**2 + 1e-6


@given(exams(), st.floats(-3, 3))
def test_shifting_difficulties_and_prior_shifts_theta(exam: tuple[Items, np.ndarray], shift: float) -> None:
    items, correct = exam
    theta, se = scored(items, correct)
    shifted = scored(Items(items.a, items.b + shift, items.c), correct, shift)
    # The grid of an ordinary prior does not move with it: the same integral from other points, each good to 1e-6.
    assert_allclose(shifted, (theta + shift, se), rtol=0, atol=2e-6)


@given(exams())
def test_any_pattern_is_finite_and_narrower_than_three_priors(exam: tuple[Items, np.ndarray]) -> None:
    theta, se = scored(*exam)
    assert np.isfinite(theta)
    assert 0 < se < 3


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_permuting_users_permutes_results_and_leaves_each_to_the_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items = Items(rng.lognormal(0, 0.3, 300), rng.normal(size=300), rng.uniform(0, 0.3, 300))
    n = rng.integers(0, 300, 40)
    user = np.repeat(np.arange(40), n)
    item = np.concatenate([rng.permutation(300)[:k] for k in n])
    correct = rng.integers(0, 2, user.size)
    straight = eap(ResponseMatrix(user, item, correct, 40, 300), items)
    renamed = rng.permutation(40)
    order = np.argsort(renamed[user], kind="stable")
    permuted = eap(ResponseMatrix(renamed[user][order], item[order], correct[order], 40, 300), items)
    assert_array_equal(permuted.mean[renamed], straight.mean)
    assert_array_equal(permuted.sd[renamed], straight.sd)


def test_numbers_are_the_same_to_the_bit_alone_among_a_few_and_among_all() -> None:
    """A few answers are summed without the sparse table, in an order of its own: a rerun for one learner of a bucket
    stored another last bit."""
    rng = np.random.default_rng(1)
    n_users, n_items, each = 200, 300, 12
    items = Items(rng.uniform(0.5, 2, n_items), rng.normal(size=n_items), np.zeros(n_items))
    user = np.repeat(np.arange(n_users), each)
    item = np.concatenate([rng.choice(n_items, each, replace=False) for _ in range(n_users)])
    correct = rng.integers(0, 2, user.size)

    def of_the_first(n: int) -> Floats:
        return eap(ResponseMatrix(user[: n * each], item[: n * each], correct[: n * each], n, n_items), items).mean

    among_all = of_the_first(n_users)
    for n in (1, 8, 40):
        assert_array_equal(of_the_first(n), among_all[:n])
