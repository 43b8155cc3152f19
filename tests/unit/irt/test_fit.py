import numpy as np
import pytest
from numpy.testing import assert_allclose

from resources.irt import fit
from resources.irt.eap import eap, eap_on_grid
from resources.irt.response_functions import Items, information, probability
from resources.irt.response_matrix import ResponseMatrix
from resources.irt.s_x2 import s_x2
from tests.benchmarks.diagnostics_simulation import answered, bank
from tests.unit.irt import reference
from tests.unit.irt.test_calibration import answers_of, simulated

# mirt replaces variances below about 10^-2.5 inside its mean squares; whoever met such an item is not compared.
FLOORED = 10**-2.5


@pytest.mark.parametrize("dataset", ["lsat6", "lsat7", "sat12"])
def test_person_fit_equals_mirt(dataset: str) -> None:
    items, expected = reference.items(f"{dataset}_2pl"), reference.read(f"{dataset}_2pl_personfit.csv")
    answers, theta = reference.patterns(expected), reference.column(expected, "EAP")
    assert_allclose(fit.lz(answers, items, theta), expected["Zh"], rtol=0, atol=1e-10)
    got = fit.person_residuals(answers, items, theta)
    p = probability(items, theta)
    compared = (p * (1 - p)).min(axis=0) > FLOORED
    assert compared.mean() > 0.6
    assert_allclose(got.infit[compared], expected["infit"][compared], rtol=0, atol=1e-10)
    assert_allclose(got.outfit[compared], expected["outfit"][compared], rtol=0, atol=1e-10)


@pytest.mark.parametrize("dataset", ["lsat6", "lsat7", "sat12"])
def test_item_fit_equals_mirt(dataset: str) -> None:
    items, expected = reference.items(f"{dataset}_2pl"), reference.read(f"{dataset}_2pl_itemfit.csv")
    answers = answers_of(dataset)
    theta = eap_on_grid(answers, items, np.linspace(-6, 6, 61)).mean
    got = fit.item_residuals(answers, items, theta)
    p = probability(items, theta)
    compared = (p * (1 - p)).min(axis=1) > FLOORED
    assert compared.sum() >= 5
    assert_allclose(got.infit[compared], expected["infit"][compared], rtol=0, atol=1e-7)  # items printed after a fit
    assert_allclose(got.outfit[compared], expected["outfit"][compared], rtol=0, atol=1e-7)
    s = s_x2(answers, items, n_estimated=2)
    assert s.reason is None
    assert_allclose(s.statistic, expected["S_X2"], rtol=0, atol=1e-9)
    assert_allclose(s.df, expected["df.S_X2"])
    assert_allclose(s.p, expected["p.S_X2"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("dataset", ["lsat6", "lsat7", "sat12"])
def test_information_and_reliability_equal_mirt(dataset: str) -> None:
    items, expected = reference.items(f"{dataset}_2pl"), reference.read(f"{dataset}_2pl_info.csv")
    theta = reference.column(expected, "theta")
    assert_allclose(information(items, theta).T, expected.filter(regex=r"^X\d+$"), rtol=0, atol=1e-12)
    assert_allclose(fit.total_information(items, theta), expected["testinfo"], rtol=0, atol=1e-12)
    assert_allclose(fit.expected_se(items, theta), expected["testinfo"] ** -0.5, rtol=1e-12)
    got = eap_on_grid(answers_of(dataset), items, np.linspace(-6, 6, 61))
    # mirt integrates numerically to 1e-8
    assert fit.marginal_reliability(items) == pytest.approx(
        reference.fit(f"{dataset}_2pl", "marginal_rxx"), abs=1e-7
    )  # fmt: skip
    assert fit.empirical_reliability(got.mean, got.sd) == pytest.approx(
        reference.fit(f"{dataset}_2pl", "empirical_rxx"), abs=1e-10
    )  # fmt: skip


def test_information_is_that_of_the_log_likelihood_under_guessing() -> None:
    items, theta, h = Items(np.array([1.7]), np.array([0.4]), np.array([0.22])), np.linspace(-3, 3, 13), 1e-5
    p = probability(items, theta)
    slope = (probability(items, theta + h) - probability(items, theta - h)) / (2 * h)
    assert_allclose(information(items, theta), slope**2 / (p * (1 - p)), rtol=1e-8)


def test_s_x2_says_why_it_has_no_answer_where_answers_are_missing() -> None:
    answers = answers_of("lsat7")
    items = reference.items("lsat7_2pl")
    got = s_x2(ResponseMatrix(answers.user[1:], answers.item[1:], answers.correct[1:], 1_000, 5), items, 2)
    assert got.reason is not None
    assert got.reason.startswith("1 of 1000 users")
    assert np.isnan(got.statistic).all()


def test_s_x2_accepts_the_model_that_made_the_answers_and_rejects_another() -> None:
    rng = np.random.default_rng(7)
    items = Items(rng.lognormal(0, 0.3, 25), rng.normal(size=25), np.zeros(25))
    answers = simulated(items, rng.normal(size=3_000))
    true = s_x2(answers, items, 0)
    assert 0.2 < true.p.mean() < 0.8  # uniform: .5 within .06 for 25 items
    # One shift common to all would hide: total scores are compared with total scores.
    shifted = Items(items.a, items.b + np.where(np.arange(25) % 2, 0.4, -0.4), items.c)
    assert s_x2(answers, shifted, 0).p.max() < 0.01


def test_a_user_or_item_without_answers_has_no_fit() -> None:
    one = np.zeros(1, dtype=int)
    items = Items(np.ones(2), np.zeros(2), np.zeros(2))
    answers = ResponseMatrix(one, one, one, 2, 2)
    assert np.isnan(fit.lz(answers, items, np.ones(2))).tolist() == [False, True]
    assert np.isnan(fit.person_residuals(answers, items, np.ones(2)).outfit).tolist() == [False, True]
    assert np.isnan(fit.item_residuals(answers, items, np.ones(2)).infit).tolist() == [False, True]


def test_residuals_of_batches_add_up_to_those_of_all() -> None:
    items = Items(np.array([0.5, 1.0, 2.0]), np.array([-1.0, 0.0, 1.0]), np.zeros(3))
    theta = np.linspace(-2, 2, 40)
    batches = [simulated(items, theta[:15], seed=1), simulated(items, theta[15:], seed=2)]
    whole = ResponseMatrix(
        np.concatenate([batches[0].user, batches[1].user + 15]), np.concatenate([b.item for b in batches]),
        np.concatenate([b.correct for b in batches]), 40, 3,
    )  # fmt: skip
    added = fit.item_residuals(batches[0], items, theta[:15]) + fit.item_residuals(batches[1], items, theta[15:])
    at_once = fit.item_residuals(whole, items, theta)
    for name in ("infit", "outfit", "z"):
        assert_allclose(getattr(added, name), getattr(at_once, name), rtol=1e-12)


def test_z_of_an_item_is_its_surplus_of_right_answers_in_standard_errors() -> None:
    """Sixteen learners at the item's difficulty: 8 expected right, with a standard error of 2."""
    user = np.arange(16)
    answers = ResponseMatrix(user, np.zeros(16, dtype=int), (user < 13).astype(int), 16, 1)
    got = fit.item_residuals(answers, Items(np.ones(1), np.zeros(1), np.zeros(1)), np.zeros(16))
    assert (got.n.item(), got.right.item()) == (16, 13)
    assert got.z.item() == pytest.approx(2.5)
    assert got.infit.item() == pytest.approx(1.0)


@pytest.mark.parametrize("guessing", [0.0, 0.2])
@pytest.mark.parametrize("each", [8, 30, 60])
def test_perfect_learners_are_unusual_as_rarely_at_an_estimated_ability(each: int, guessing: float) -> None:
    """N(0, 1) has 2.3 % below -2. lz at the EAP had 1.1 to 1.7 %: half of the unusual patterns passed."""
    rng = np.random.default_rng(each)
    items = bank(300, rng, guessing)
    answers = answered(items, rng.normal(size=8_000), each, rng)
    theta = eap(answers, items).mean
    corrected = fit.lz_star(answers, items, theta)
    assert 0.018 < np.mean(corrected < -2) < 0.034
    assert corrected.mean() == pytest.approx(0, abs=0.12)
    assert corrected.std() == pytest.approx(1, abs=0.08)
    assert np.mean(fit.lz(answers, items, theta) < -2) < 0.019


def test_one_answer_says_nothing_of_a_pattern() -> None:
    answers = ResponseMatrix(np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([1, 1, 0]), 3, 2)
    items = Items(np.array([1.0, 1.5]), np.array([0.3, 1.0]), np.zeros(2))
    assert np.isnan(fit.lz_star(answers, items, np.zeros(3))).tolist() == [True, False, True]
