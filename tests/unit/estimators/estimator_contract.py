"""What every estimator must pass. A subclass named Test... overrides the fixture `estimator`."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from resources.estimators.contract import Estimator
from resources.irt.eap import eap_on_grid
from resources.irt.response_functions import Floats, Items
from resources.model import ItemBank, Prior, Priors, Responses
from tests import long_form
from tests.unit.irt import own_sets, reference


def bank_of(items: Items, item_keys: tuple[str, ...] = ()) -> ItemBank:
    keys = item_keys or tuple(f"i{j + 1}" for j in range(items.a.size))
    return ItemBank("contract", "3PL" if items.c.any() else "2PL", keys, items.a, items.b, items.c)


def responses_of(patterns: pd.DataFrame) -> Responses:
    """Rows as users u0, u1, ..., columns as items; a blank is a row that does not exist."""
    correct = patterns.to_numpy(np.float64)
    user, item = np.nonzero(~np.isnan(correct))
    user_ids = tuple(f"u{i}" for i in range(len(patterns)))
    return Responses(user_ids, tuple(patterns.columns), user, item, correct[user, item])


def history(items: Items, correct: Floats) -> Responses:
    """One user who answered every item once."""
    n = items.a.size
    keys = bank_of(items).item_keys
    return Responses(("u0",), keys, np.zeros(n, dtype=np.int64), np.arange(n, dtype=np.int64), correct)


class EstimatorContract:
    @pytest.fixture
    def estimator(self) -> Estimator:
        raise NotImplementedError

    @pytest.mark.parametrize("name", reference.SCORED_SETS)
    def test_every_pattern_of_the_reference_sets(self, estimator: Estimator, name: str) -> None:
        items, scores = reference.items(name), reference.read(f"{name}_scores.csv")
        prior = Prior(0.0, reference.group_sd(name))
        got = estimator.estimate(responses_of(scores.filter(regex=r"^i\d+$")), bank_of(items), prior)
        # mirt's grid ends at -6 and 6: its all-right and all-wrong patterns are off by up to 9e-6 and 5e-5 themselves.
        assert_allclose(got.theta, scores["EAP121"], rtol=0, atol=1e-5)
        assert_allclose(got.se, scores["EAP121_SE"], rtol=0, atol=5e-5)
        # Without such ends: a grid that leaves nothing out, by what agrees with mirt to 1e-12 on mirt's grid.
        fine = eap_on_grid(reference.patterns(scores), items, np.linspace(-12, 12, 2_401), 0.0, prior.sd)
        assert_allclose(got.theta, fine.mean, rtol=0, atol=1e-6)
        assert_allclose(got.se, fine.sd, rtol=0, atol=1e-6)

    @pytest.mark.parametrize("name", own_sets.SCORED)
    def test_our_own_sets_all_right_and_all_wrong_last(self, estimator: Estimator, name: str) -> None:
        responses, items = responses_of(own_sets.right_of_base_r(name)), own_sets.items(name)
        prior = Prior(0.0, own_sets.GROUP_SD[name])
        got, scores = estimator.estimate(responses, bank_of(items, responses.item_keys), prior), own_sets.base_r(name)
        assert_allclose(got.theta, scores["EAP1201_12"], rtol=0, atol=1e-6)
        assert_allclose(got.se, scores["EAP1201_12_SE"], rtol=0, atol=1e-6)

    @pytest.mark.parametrize("name", own_sets.SCORED)
    def test_our_own_sets_under_a_prior_other_than_standard_normal(self, estimator: Estimator, name: str) -> None:
        responses, scores = responses_of(own_sets.right_of_base_r(name)), own_sets.base_r(name)
        bank = bank_of(own_sets.items(name), responses.item_keys)
        got = estimator.estimate(responses, bank, Prior(0.5, np.sqrt(2)))
        assert_allclose(got.theta, scores["EAP_m05_v2"], rtol=0, atol=1e-6)
        assert_allclose(got.se, scores["EAP_m05_v2_SE"], rtol=0, atol=1e-6)

    def test_all_right_all_wrong_one_response_and_half_missing(self, estimator: Estimator) -> None:
        scores = reference.read("fixed12_2pl_scores.csv")
        frame = reference.read("fixed12_items.csv")
        items = Items(*(reference.column(frame, name) for name in ("a", "b", "c2")))
        got = estimator.estimate(responses_of(scores.filter(regex=r"^i\d+$")), bank_of(items))
        assert_allclose(got.theta, scores["EAP_q1001_l10"], rtol=0, atol=1e-6)  # 1,001 points over +- 10
        assert_allclose(got.se, scores["EAP_q1001_l10_SE"], rtol=0, atol=1e-6)

    def test_prior_other_than_standard_normal(self, estimator: Estimator) -> None:
        scores = reference.read("fixed12_2pl_scores.csv")
        frame = reference.read("fixed12_items.csv")
        items = Items(*(reference.column(frame, name) for name in ("a", "b", "c2")))
        responses = responses_of(scores.filter(regex=r"^i\d+$"))
        got = estimator.estimate(responses, bank_of(items), Prior(0.5, np.sqrt(2)))
        # The reference grid of +- 8 cuts the all-wrong posterior: 3e-6 and 1.1e-5.
        assert_allclose(got.theta, scores["EAP_m05_v2_q121_l8"], rtol=0, atol=5e-6)
        assert_allclose(got.se, scores["EAP_m05_v2_q121_l8_SE"], rtol=0, atol=2e-5)

    @pytest.mark.parametrize("guessing", [0.0, 0.25])
    def test_each_learner_has_the_own_prior(self, estimator: Estimator, guessing: float) -> None:
        draw = np.random.default_rng(8)
        items = Items(draw.lognormal(0, 0.3, 40), draw.normal(size=40), np.full(40, guessing))
        # Ordinary ones, which share a grid; far out, one with no mass where that grid ends; wide; the same one twice.
        priors = Priors(
            np.array([0.0, 1.5, -3.0, 4.0, 5.0, -5.0, 0.5, 0.5, -1.0]),
            np.array([1.0, 0.2, 0.7, 1.0, 0.2, 0.01, 2.0, 2.0, 1.01]),
        )
        patterns = pd.DataFrame(draw.integers(0, 2, (9, 40)).astype(float), columns=bank_of(items).item_keys)
        patterns = patterns.mask(draw.random(patterns.shape) < 0.6)
        patterns.iloc[2] = np.nan  # unscored: the priors after it must not move up
        together = estimator.estimate(responses_of(patterns), bank_of(items), priors)
        assert together.unscored == ("u2",)
        for at, i in enumerate((0, 1, 3, 4, 5, 6, 7, 8)):
            mean, sd = priors.mean[i].item(), priors.sd[i].item()
            got = [together.theta[at], together.se[at]]
            alone = estimator.estimate(responses_of(patterns.iloc[[i]]), bank_of(items), Prior(mean, sd))
            assert_allclose(got, [alone.theta[0], alone.se[0]], rtol=0, atol=1e-12)
            # 12 SDs of the prior on both sides hold every posterior here, at 80 points or more to one of its SDs.
            theta = np.linspace(mean - 12 * sd, mean + 12 * sd, 8_001)
            fine = eap_on_grid(reference.patterns(patterns.iloc[[i]]), items, theta, mean, sd)
            assert_allclose(got, [fine.mean[0], fine.sd[0]], rtol=0, atol=1e-6)

    def test_one_prior_for_all_is_that_prior_for_each(self, estimator: Estimator) -> None:
        scores = reference.read("fixed12_2pl_scores.csv")
        frame = reference.read("fixed12_items.csv")
        bank = bank_of(Items(*(reference.column(frame, name) for name in ("a", "b", "c2"))))
        responses = responses_of(scores.filter(regex=r"^i\d+$"))
        n = len(responses.user_ids)
        for prior in (Prior(0.3, 0.8), Prior(0.5, np.sqrt(2))):
            one = estimator.estimate(responses, bank, prior)
            each = estimator.estimate(responses, bank, Priors(np.full(n, prior.mean), np.full(n, prior.sd)))
            assert_allclose(each.theta, one.theta, rtol=0, atol=1e-13)
            assert_allclose(each.se, one.se, rtol=0, atol=1e-13)

    @pytest.mark.parametrize(
        ("name", "theta", "se"),
        [("long500_theta1", 1.112421, 0.106096), ("long2000_theta1", 1.040729, 0.051325)],
    )
    def test_long_histories_where_fixed_grids_fail(
        self, estimator: Estimator, name: str, theta: float, se: float
    ) -> None:
        frame = reference.read(f"{name}.csv")
        items = Items(reference.column(frame, "a"), reference.column(frame, "b"), np.zeros(len(frame)))
        got = estimator.estimate(history(items, reference.column(frame, "y")), bank_of(items))
        # theta and SE by an adaptive integration of the same posterior on 801 points over its own support
        assert_allclose([got.theta[0], got.se[0]], [theta, se], rtol=0, atol=1e-6)

    def test_5000_responses_all_right_all_wrong_and_a_posterior_outside_the_prior(self, estimator: Estimator) -> None:
        rng = np.random.default_rng(5)
        n = 5_000
        items = Items(rng.lognormal(0, 0.3, n), rng.normal(size=n), np.zeros(n))
        for correct, sign in ((np.ones(n), 1), (np.zeros(n), -1)):
            got = estimator.estimate(history(items, correct), bank_of(items))
            assert 6 < sign * got.theta[0] < 12  # nothing is clamped to the grid's +- 6
            assert 0.2 < got.se[0] < 0.6

    def test_counts_what_it_leaves_out(self, estimator: Estimator) -> None:
        bank = ItemBank(
            "v7", "3PL", ("x", "y"), np.array([1.0, 1.5]), np.array([0.0, 0.5]), np.array([0.2, 0.25])
        )  # fmt: skip
        frame = pd.DataFrame(
            [("ann", "x", True), ("ann", "new", True), ("ben", "new", False), ("ann", "y", None), ("cem", "y", None),
             ("ben", "other", None), ("dee", "y", False), ("dee", "x", True)],
            columns=["user_id", "item_key", "correct"],
        ).astype({"correct": "boolean"})  # fmt: skip
        got = estimator.estimate(long_form.responses(frame), bank)
        assert got.user_ids == ("ann", "dee")
        assert_array_equal(got.n_items, [1, 2])
        assert_array_equal(got.n_unknown_item, [1, 0])
        assert_array_equal(got.n_unusable, [1, 0])
        assert got.unscored == ("ben", "cem")
        assert (got.model, got.bank_version) == ("3PL", "v7")
        assert np.isfinite(got.theta).all()
        assert (got.se > 0).all()

    def test_users_without_rows_are_unscored(self, estimator: Estimator) -> None:
        bank = ItemBank("v", "2PL", ("x",), np.ones(1), np.zeros(1), np.zeros(1))
        one = np.zeros(1, dtype=np.int64)
        got = estimator.estimate(Responses(("none", "one", "last"), ("x",), one + 1, one, np.ones(1)), bank)
        assert got.user_ids == ("one",)
        assert got.unscored == ("none", "last")

    def test_empty_request(self, estimator: Estimator) -> None:
        bank = ItemBank("v", "2PL", ("x",), np.ones(1), np.zeros(1), np.zeros(1))
        nothing = np.zeros(0, dtype=np.int64)
        for user_ids in ((), ("ann",)):
            got = estimator.estimate(Responses(user_ids, (), nothing, nothing, np.zeros(0)), bank)
            assert got.user_ids == ()
            assert got.theta.shape == got.se.shape == got.n_items.shape == (0,)
            assert got.unscored == user_ids

    def test_a_user_does_not_depend_on_who_else_is_there(self, estimator: Estimator) -> None:
        rng = np.random.default_rng(6)
        items = Items(rng.lognormal(0, 0.3, 600), rng.normal(size=600), np.zeros(600))
        # 600 answers need a finer grid than 6 do: neither grid may leak to the other user.
        both = pd.DataFrame(rng.integers(0, 2, (2, 600)).astype(float), columns=bank_of(items).item_keys)
        both.iloc[1, 6:] = np.nan
        together = estimator.estimate(responses_of(both), bank_of(items))
        for i in range(2):
            alone = estimator.estimate(responses_of(both.iloc[[i]]), bank_of(items))
            assert_allclose([alone.theta[0], alone.se[0]], [together.theta[i], together.se[i]], rtol=1e-12)

    def test_check_is_one_line(self, estimator: Estimator) -> None:
        line = estimator.check()
        assert line.strip()
        assert "\n" not in line
        assert estimator.name
