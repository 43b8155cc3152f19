import numpy as np
import pytest
from numpy.testing import assert_allclose

from resources.irt.diagnostics.capture import without_capture
from resources.irt.diagnostics.local_dependence import LocalDependence, local_dependence, q3_matrix
from resources.irt.diagnostics.pairs import pairs
from resources.irt.diagnostics.predictions import predict
from resources.irt.eap import eap
from resources.irt.response_functions import Items
from resources.irt.response_matrix import ResponseMatrix
from tests.benchmarks.bench_diagnostics import dependence_of
from tests.benchmarks.diagnostics_simulation import answered, bank, fitted, with_clone
from tests.unit.irt import own_sets


def under(answers: ResponseMatrix, items: Items) -> LocalDependence:
    return local_dependence(answers, items, eap(answers, items).mean, predict(answers, items))


def named(found: LocalDependence) -> set[tuple[int, int]]:
    return {(pair.first, pair.second) for pair in found.pairs}


def test_q3_equals_mirt() -> None:
    """mirt's residuals stand at the EAP; at its own ML or WLE the matrix would differ by .02."""
    answers = own_sets.answers_of(own_sets.right("own2pl"))
    theta = own_sets.column(own_sets.table("own2pl_2pl_scores"), "EAP61")
    got = q3_matrix(answers, own_sets.items("own2pl_2pl"), theta)
    assert_allclose(got, own_sets.table("own2pl_2pl_q3").iloc[:, 1:], rtol=0, atol=1e-9)  # nine digits printed


def test_q3_of_sparse_answers_is_the_correlation_over_learners_in_common() -> None:
    rng = np.random.default_rng(1)
    items, theta = bank(12, rng), rng.normal(size=200)
    answers = answered(items, theta, 6, rng)
    residual = np.full((200, 12), np.nan)
    p = 1 / (1 + np.exp(-items.a * (theta[:, None] - items.b)))
    residual[answers.user, answers.item] = answers.correct
    residual -= p
    got = q3_matrix(answers, items, theta)
    for first, second in ((0, 1), (3, 11), (7, 2)):
        both = np.isfinite(residual[:, first] + residual[:, second])
        assert 10 < both.sum() < 200
        expected = np.corrcoef(residual[both, first], residual[both, second])[0, 1]
        assert got[first, second] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("n_items", "n_users", "each"), [(20, 1_000, 20), (200, 2_000, 40), (60, 3_000, 60)])
def test_residual_covariances_have_the_stated_moments_where_the_model_holds(
    n_items: int, n_users: int, each: int
) -> None:
    rng = np.random.default_rng(n_items)
    items = bank(n_items, rng)
    items = Items(items.a * np.where(np.arange(n_items) % 5 == 0, -1, 1), items.b, items.c)  # wrong keys are no clones
    answers = answered(items, rng.normal(size=n_users), each, rng)
    found = pairs(answers, predict(answers, items))
    at = np.triu_indices(n_items, 1)
    z = found.covariance[at] / np.sqrt(found.variance[at])
    assert z.mean() == pytest.approx(0, abs=0.2)
    assert z.std() == pytest.approx(1, abs=0.12)


@pytest.mark.parametrize(("n_items", "n_users", "each"), [(10, 1_000, 10), (200, 2_000, 60)])
def test_a_clone_is_found_and_nothing_else(n_items: int, n_users: int, each: int) -> None:
    """Of ten items, the two clones took the ability over: slopes of 20, Q3 of -.97, and no pair named."""
    rng = np.random.default_rng(12)
    fair = answered(bank(n_items, rng), rng.normal(size=n_users), each, rng)
    assert not dependence_of(fair).pairs
    cloned = dependence_of(with_clone(fair, 0, 1, rng))
    assert named(cloned) == {(0, 1)}
    assert cloned.bundles == ((0, 1),)
    pair = cloned.pairs[0]
    assert pair.relative > 0.5
    assert pair.relative == pytest.approx(pair.q3 - cloned.mean)
    assert pair.adjusted < 1e-6


def test_pairs_that_share_an_item_are_one_bundle() -> None:
    rng = np.random.default_rng(3)
    answers = answered(bank(40, rng), rng.normal(size=1_500), 40, rng)
    for of, clone in ((4, 9), (9, 30), (7, 8)):
        answers = with_clone(answers, of, clone, rng)
    found = under(answers, fitted(answers).items)
    assert found.bundles == ((4, 9, 30), (7, 8))
    assert named(found) == {(4, 9), (4, 30), (9, 30), (7, 8)}


def test_rare_slips_of_one_learner_are_no_clone() -> None:
    """Items that 98 % get right: by a normal distribution, two or three joint slips made pairs of them."""
    rng = np.random.default_rng(4)
    items = Items(np.ones(150), np.full(150, -4.0), np.zeros(150))
    answers = answered(items, rng.normal(size=1_500), 60, rng)
    assert not under(answers, items).pairs


def test_an_easy_and_a_hard_item_are_no_clones() -> None:
    """Here the long tail is below: a distribution of that skewness ended above what was seen, and p was 0."""
    rng = np.random.default_rng(4)
    items = Items(np.ones(150), np.where(np.arange(150) % 2, -2.5, 2.5), np.zeros(150))
    assert not under(answered(items, rng.normal(size=1_500), 30, rng), items).pairs


def test_dependence_is_named_by_its_size_not_by_many_learners(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    fair = answered(bank(20, rng), rng.normal(size=8_000), 20, rng)
    answers = with_clone(fair, 0, 1, rng, share=0.12)
    items = fitted(answers).items
    assert not under(answers, items).pairs
    monkeypatch.setattr("resources.irt.diagnostics.local_dependence.NOTABLE", 0.05)
    assert named(under(answers, items)) == {(0, 1)}


def test_what_too_few_share_is_not_told() -> None:
    rng = np.random.default_rng(5)
    items = bank(30, rng)
    found = under(answered(items, rng.normal(size=40), 5, rng), items)
    assert (found.n_pairs, found.pairs, found.bundles) == (0, (), ())
    assert np.isnan(found.mean)
    assert np.isnan(found.q3[0, 1])
    assert (np.diag(found.q3) == 1).all()


def test_a_bank_without_a_captured_ability_is_not_refitted() -> None:
    def refused(_: Items) -> Items:
        raise AssertionError

    items = bank(20, np.random.default_rng(6))
    assert without_capture(items, refused) is items
    one_steep = Items(np.r_[4.0, np.ones(9)], np.zeros(10), np.zeros(10))
    assert without_capture(one_steep, refused) is one_steep


def test_slopes_that_took_the_ability_are_held_and_the_rest_left_free() -> None:
    asked = []
    without_capture(
        Items(np.r_[12.0, 9.0, np.full(8, 0.8)], np.zeros(10), np.zeros(10)), lambda x: asked.append(x) or x
    )
    assert_allclose(asked[0].a, [0.8, 0.8, *[np.nan] * 8])
    assert np.isnan([asked[0].b, asked[0].c]).all()
