import numpy as np
import pytest
from numpy.testing import assert_allclose

from resources.irt.calibration.calibrate import Calibration, calibrate
from resources.irt.calibration.m_step import ItemPriors, Normal
from resources.irt.response_functions import Floats, Items, probability
from resources.irt.response_matrix import ResponseMatrix
from tests.unit.irt import reference


def answers_of(dataset: str) -> ResponseMatrix:
    right = reference.read(f"{dataset}_responses.csv").to_numpy(np.int64)
    user, item = np.nonzero(right >= 0)
    return ResponseMatrix(user, item, right[user, item], *right.shape)


def simulated(items: Items, theta: Floats, share: float = 1.0, seed: int = 0) -> ResponseMatrix:
    """Answers of learners at `theta`, each to a random share of the items."""
    rng = np.random.default_rng(seed)
    user, item = np.nonzero(rng.random((theta.size, items.a.size)) < share)
    p = probability(items, theta)
    return ResponseMatrix(
        user, item, (rng.random(user.size) < p[item, user]).astype(np.int64), theta.size, items.a.size
    )


def unknown(n: int) -> Floats:
    return np.full(n, np.nan)


def log_posterior(result: Calibration) -> float:
    return result.log_likelihood + result.log_prior


@pytest.mark.parametrize("dataset", ["lsat6", "lsat7", "sat12"])
def test_2pl_equals_mirt_in_parameters_standard_errors_and_likelihood(dataset: str) -> None:
    expected = reference.read(f"{dataset}_2pl_items.csv")
    got = calibrate(answers_of(dataset))
    assert got.converged
    # at our default tolerance of 1e-6 per step; mirt's own distance from the maximum is below 5e-7
    assert_allclose(got.items.a, expected["a"], rtol=0, atol=1e-5)
    assert_allclose(got.items.b, expected["b"], rtol=0, atol=1e-5)
    assert_allclose(got.se.a, expected["se_a1"], rtol=1e-4)  # both exact; ours accumulates in single precision
    assert_allclose(got.se.d, expected["se_d"], rtol=1e-4)
    assert got.log_likelihood == pytest.approx(reference.fit(f"{dataset}_2pl", "logLik"), abs=1e-6)


@pytest.mark.parametrize("dataset", ["lsat6", "lsat7", "sat12"])
def test_rasch_equals_mirt(dataset: str) -> None:
    expected = reference.read(f"{dataset}_rasch_items.csv")
    n = len(expected)
    got = calibrate(answers_of(dataset), known=Items(np.ones(n), unknown(n), unknown(n)), group="estimate sd")
    assert_allclose(got.items.b, expected["b"], rtol=0, atol=1e-4)  # mirt stopped within 5e-6 of the maximum
    assert_allclose(got.se.d, expected["se_d"], rtol=1e-3)
    assert got.group_sd**2 == pytest.approx(reference.fit(f"{dataset}_rasch", "group_var"), abs=1e-4)
    assert got.group_mean == 0


def test_3pl_with_known_guessing_equals_mirt() -> None:
    expected = reference.read("lsat7_3pl_c020_items.csv")
    got = calibrate(answers_of("lsat7"), "3PL", known=Items(unknown(5), unknown(5), np.full(5, 0.2)))
    assert_allclose(got.items.a, expected["a"], rtol=0, atol=1e-5)
    assert_allclose(got.items.b, expected["b"], rtol=0, atol=1e-5)
    assert_allclose(got.items.c, 0.2)
    assert_allclose(got.se.a, expected["se_a1"], rtol=1e-4)
    assert np.isnan(got.se.c).all()


def test_3pl_finds_a_better_mode_than_mirt() -> None:
    # The posterior of sat12 has two modes: item 12 with a = .4 and c = .28 (mirt), or a = 9 and c = .41.
    got = calibrate(answers_of("sat12"), "3PL")
    assert got.converged
    theirs = reference.fit("sat12_3pl_prior", "logLik") + reference.fit("sat12_3pl_prior", "logPrior")
    assert log_posterior(got) > theirs + 0.7


def test_3pl_equals_mirt_once_the_item_with_two_modes_is_held() -> None:
    expected = reference.items("sat12_3pl_prior")
    held = Items(*(np.where(np.arange(32) == 11, x, np.nan) for x in (expected.a, expected.b, expected.c)))
    got = calibrate(answers_of("sat12"), "3PL", known=held)
    # mirt stopped after 10,333 cycles with its slopes within 7e-4 and its log posterior within 1e-8 of the maximum
    assert_allclose(got.items.a, expected.a, rtol=0, atol=2e-3)
    assert_allclose(got.items.b, expected.b, rtol=0, atol=2e-3)
    assert_allclose(got.items.c, expected.c, rtol=0, atol=2e-4)
    guessing = got.items.c * (1 - got.items.c)
    theirs = reference.read("sat12_3pl_prior_items.csv")["se_logit.g."]
    others = np.arange(32) != 11
    # theirs do not know item 12 to be known
    assert_allclose((got.se.c / guessing)[others], theirs[others], rtol=0.02)
    prior_of_12 = float(Normal(-1.1, 0.5).log_density(np.log(expected.c[11:12] / (1 - expected.c[11:12])))[0])
    theirs = reference.fit("sat12_3pl_prior", "logLik") + reference.fit("sat12_3pl_prior", "logPrior")
    assert log_posterior(got) + prior_of_12 == pytest.approx(theirs, abs=1e-6)


def test_sparse_answers_are_fitted_as_well_as_mirt_fits_them() -> None:
    long, true = reference.read("sparse1_long.csv").dropna(), reference.read("sparse1_true_items.csv")
    columns = (long[name].to_numpy(np.int64) for name in ("user_id", "item_id", "response"))
    answers = ResponseMatrix(*columns, 5_000, 400)
    tight = reference.read("sparse1_2pl_items_tight.csv")
    got = calibrate(answers, se_method="per item")
    assert_allclose(got.items.a, tight["a"], rtol=0, atol=1e-4)
    assert_allclose(got.items.b, tight["b"], rtol=0, atol=1e-4)

    def rmse(x: Floats, name: str) -> float:
        return float(np.sqrt(np.mean((x - true[name]) ** 2)))

    for run in ("default", "tight"):
        theirs = reference.read(f"sparse1_2pl_items_{run}.csv")
        assert rmse(got.items.a, "a_true") <= rmse(theirs["a"], "a_true") + 1e-5
        assert rmse(got.items.b, "b_true") <= rmse(theirs["b"], "b_true") + 1e-5
    prior = calibrate(answers, priors=ItemPriors(log_a=Normal(0, 0.5)), se_method="none")
    assert rmse(prior.items.a, "a_true") < 0.16  # .184 without: the prior is worth a third of the answers


def test_standard_errors_cover_the_truth() -> None:
    rng = np.random.default_rng(1)
    items = Items(rng.lognormal(0, 0.3, 60), rng.normal(size=60), np.zeros(60))
    got = calibrate(simulated(items, rng.normal(size=2_000), 0.5))
    for z in ((got.items.a - items.a) / got.se.a, (got.items.b - items.b) / got.se.b):
        assert 0.75 < np.sqrt(np.mean(z**2)) < 1.25  # 60 of them: SD 1 to within .09, and a common shift of the scale


def test_standard_errors_per_item_are_slightly_smaller() -> None:
    answers = answers_of("sat12")
    joint, per_item = calibrate(answers).se, calibrate(answers, se_method="per item").se
    ratio = per_item.a / joint.a
    assert 0.95 < ratio.min() < ratio.max() < 1


def test_anchors_put_new_items_on_their_scale_though_the_learners_differ() -> None:
    rng = np.random.default_rng(2)
    items = Items(rng.lognormal(0, 0.3, 40), rng.normal(size=40), np.zeros(40))
    anchor = np.arange(40) < 15
    known = Items(*(np.where(anchor, x, np.nan) for x in (items.a, items.b, items.c)))
    got = calibrate(simulated(items, rng.normal(0.8, 0.7, 3_000)), known=known, group="estimate mean and sd")
    assert_allclose(got.items.a[anchor], items.a[anchor], rtol=1e-12)
    assert_allclose(got.items.b[anchor], items.b[anchor], rtol=1e-12)
    assert got.group_mean == pytest.approx(0.8, abs=0.05)
    assert got.group_sd == pytest.approx(0.7, abs=0.05)
    assert np.isnan(got.se.a[anchor]).all()
    z = ((got.items.b - items.b) / got.se.b)[~anchor]
    assert np.sqrt(np.mean(z**2)) < 1.4


def test_a_wrong_key_shows_as_a_negative_discrimination() -> None:
    rng = np.random.default_rng(3)
    items = Items(np.where(np.arange(20) == 7, -1.2, 1.2), rng.normal(size=20), np.zeros(20))
    got = calibrate(simulated(items, rng.normal(size=2_000)))
    assert got.converged
    assert got.items.a[7] == pytest.approx(-1.2, abs=4 * got.se.a[7])
    assert (np.delete(got.items.a, 7) > 0).all()


def test_a_prior_on_log_a_keeps_slopes_positive_even_under_a_wrong_key() -> None:
    rng = np.random.default_rng(3)
    items = Items(np.where(np.arange(20) == 7, -1.2, 1.2), rng.normal(size=20), np.zeros(20))
    answers = simulated(items, rng.normal(size=1_000))
    got = calibrate(answers, priors=ItemPriors(log_a=Normal(0, 0.5), d=Normal(0, 2)))
    assert got.converged
    assert 0 < got.items.a[7] < 0.2
    free = calibrate(answers)
    assert log_posterior(got) < free.log_likelihood


def test_extreme_items_and_few_answers_do_not_spoil_the_others() -> None:
    rng = np.random.default_rng(4)
    b = np.concatenate([[-30.0, 30.0], np.linspace(-2, 2, 18)])
    items = Items(np.ones(20), b, np.zeros(20))
    answers = simulated(items, rng.normal(size=2_000))
    few = (answers.item != 2) | (answers.user < 6)
    answers = ResponseMatrix(answers.user[few], answers.item[few], answers.correct[few], 2_000, 20)
    got = calibrate(answers)
    assert got.converged
    assert np.isfinite(got.items.a).all()
    assert_allclose(got.items.a[3:], 1, atol=0.3)
    assert_allclose(got.items.b[3:], b[3:], atol=0.3)
    assert got.se.a[2] > 1  # six answers
    # All right, all wrong: nothing to estimate. That used to cost the others their standard errors too.
    assert np.isnan(got.se.a[:2]).all()
    assert (got.se.a[3:] < 0.2).all()


def test_an_item_that_separates_its_learners_ends_at_the_limit_without_a_standard_error() -> None:
    items = Items(np.full(12, 1.5), np.linspace(-2, 2, 12), np.zeros(12))
    answers = simulated(items, np.linspace(-3, 3, 400))
    kept = (answers.item != 5) | np.isin(answers.user, [0, 20, 40, 60, 340, 360, 380, 399])
    correct = np.where(answers.item == 5, answers.user > 200, answers.correct).astype(np.int64)
    got = calibrate(ResponseMatrix(answers.user[kept], answers.item[kept], correct[kept], 400, 12))
    assert got.converged
    assert got.items.a[5] == 20
    assert np.flatnonzero(np.isnan(got.se.a)).tolist() == [5]


def test_learners_without_answers_change_nothing() -> None:
    answers = answers_of("lsat7")
    more = ResponseMatrix(answers.user + 500, answers.item, answers.correct, answers.n_users + 1_000, 5)
    one, other = calibrate(answers, se_method="none"), calibrate(more, se_method="none")
    assert_allclose(other.items.a, one.items.a, rtol=1e-12)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-8)


def test_too_few_cycles_are_not_called_converged_and_progress_is_told() -> None:
    told: list[tuple[int, float, float]] = []
    got = calibrate(answers_of("lsat7"), max_cycles=5, progress=lambda *cycle: told.append(cycle))
    assert not got.converged
    assert got.cycles == 5
    assert [cycle for cycle, _, _ in told] == [1, 2, 3, 4, 5]
    assert told[-1][2] == got.largest_change > 1e-6


def test_likelihood_never_falls_from_one_em_step_to_the_next() -> None:
    rng = np.random.default_rng(6)
    items = Items(rng.lognormal(0, 0.8, 15), rng.normal(0, 2, 15), np.full(15, 0.2))
    values: list[float] = []
    calibrate(simulated(items, rng.normal(size=400)), "3PL", progress=lambda _, value, __: values.append(value))
    # In each leap's three evaluations (from, first step, leap) the second is never below the first.
    assert all(values[k + 1] >= values[k] - 1e-8 for k in range(0, len(values) - 1, 3))


def test_what_nothing_identifies_is_refused() -> None:
    answers = answers_of("lsat7")
    with pytest.raises(ValueError, match="mean"):
        calibrate(answers, group="estimate mean and sd")
    with pytest.raises(ValueError, match="SD"):
        calibrate(answers, group="estimate sd")
    with pytest.raises(ValueError, match="no answers"):
        calibrate(ResponseMatrix(answers.user, answers.item, answers.correct, 1_000, 6))
    with pytest.raises(ValueError, match="no known a"):
        calibrate(answers, known=Items(unknown(5), np.zeros(5), unknown(5)))
