import numpy as np
import pytest

from resources.irt.diagnostics.dif import Dif, dif, group_priors
from resources.irt.diagnostics.estimated import estimated
from resources.irt.diagnostics.predictions import Predictions, predict
from resources.irt.response_functions import Items
from resources.irt.response_matrix import ResponseMatrix
from tests.benchmarks.diagnostics_simulation import answered, bank, fitted

SHIFTED = (0, 1)


def compared(seed: int, shift: float = 0.0, n: int = 500, each: int = 20, own_priors: bool = True) -> Dif:
    """40 items, n answers of each group; the focal group 1 logit weaker, some items harder for it by `shift`."""
    rng = np.random.default_rng(seed)
    group = np.repeat([0, 1], n * 40 // each)
    theta = rng.normal(size=group.size) - group
    ability = np.repeat(theta[:, None], 40, axis=1)
    ability[:, SHIFTED] -= shift * group[:, None]
    answers = answered(bank(40, rng), ability, each, rng)
    fit = fitted(answers)
    prior = group_priors(answers, fit.items, group) if own_priors else (0.0, 1.0)
    return dif(answers, fit.items, predict(answers, fit.items, *prior), fit.estimated, group)


def test_a_weaker_group_is_no_dif() -> None:
    found = [compared(seed) for seed in range(6)]
    # 240 items: four binomial standard errors above .05
    for size, se in ((one.d, one.d_se) for one in found):
        assert abs(size.mean()) < 0.15
        assert np.isfinite(se).all()
    assert np.mean([abs(one.d / one.d_se) > 1.96 for one in found]) < 0.105
    assert np.mean([abs(one.b_shift / one.b_shift_se) > 1.96 for one in found]) < 0.105
    assert sum(one.ets.count("C") for one in found) == 0
    assert sum((one.adjusted < 0.05).sum() for one in found) <= 2


def test_learners_of_equal_expectation_are_not_parted() -> None:
    """Rest scores as strata, where all slopes are equal: rounding had parted right from wrong within them."""
    rng = np.random.default_rng(12)
    group = np.repeat([0, 1], 1_000)
    items = Items(np.ones(15), rng.normal(size=15), np.zeros(15))
    answers = answered(items, rng.normal(size=2_000) - group, 15, rng)
    prior = group_priors(answers, items, group)
    predictions = predict(answers, items, *prior)
    found = dif(answers, items, predictions, estimated(items, np.zeros(3, dtype=bool)), group)
    noise = np.random.default_rng(1).normal(0, 1e-14, predictions.p.size)
    shaken = Predictions(predictions.p + noise, predictions.sd, predictions.gradient)
    again = dif(answers, items, shaken, estimated(items, np.zeros(3, dtype=bool)), group)
    assert again.d == pytest.approx(found.d, abs=1e-9)
    assert (found.d_se < 0.9).all()  # strata of one group alone tell nothing: .3 with scores that both groups have


def test_a_harder_item_is_seen_and_measured() -> None:
    found = [compared(seed, shift=0.6, n=1_000) for seed in range(4)]
    at = list(SHIFTED)
    assert np.mean([one.adjusted[at] < 0.05 for one in found]) >= 0.75
    assert np.mean([one.b_shift[at] for one in found]) == pytest.approx(0.55, abs=0.12)
    assert np.mean([one.d[at] for one in found]) == pytest.approx(
        -1.3, abs=0.4
    )  # -2.35 a times .6, less of shifted others
    assert np.mean([one.ets[j] != "A" for one in found for j in at]) >= 0.6


def test_a_large_shift_is_class_c() -> None:
    found = compared(9, shift=1.5, n=1_000)
    assert found.ets[:2] == ("C", "C")
    assert (found.d[:2] < -2).all()
    assert found.ets[2:].count("C") == 0


def test_one_prior_for_unequal_groups_sees_dif_where_none_is() -> None:
    """Why `group_priors`: with 20 answers each the weak group's are expected too high under a common prior."""
    wrong, right = compared(3, own_priors=False, each=10), compared(3, each=10)
    assert wrong.d.mean() < -0.25
    assert abs(right.d.mean()) < 0.1
    assert wrong.b_shift.mean() > 0.1 > abs(right.b_shift.mean())


def of_strata(*cells: tuple[int, int, int, int]) -> Dif:
    """One item; a stratum each: right and wrong of the reference group, right and wrong of the focal one."""
    correct = np.concatenate([np.repeat([1, 0, 1, 0], cell) for cell in cells])
    group = np.concatenate([np.repeat([0, 0, 1, 1], cell) for cell in cells])
    n = correct.size
    expectation = np.repeat(np.linspace(0.3, 0.7, len(cells)), n // len(cells))
    items = Items(np.ones(1), np.zeros(1), np.zeros(1))
    answers = ResponseMatrix(np.arange(n), np.zeros(n, dtype=int), correct, n, 1)
    predictions = Predictions(expectation, np.zeros(n), np.full((n, 3), 0.2))
    return dif(answers, items, predictions, estimated(items, np.zeros(3, dtype=bool)), group)


def test_mantel_haenszel_equals_r() -> None:
    """Four strata of 25; estimate and 95 % interval of `mantelhaen.test` (R 4.2.2)."""
    found = of_strata((5, 6, 3, 11), (8, 6, 4, 7), (10, 3, 5, 7), (11, 1, 6, 7))
    assert found.d.item() == pytest.approx(-3.3130884175456989, abs=1e-12)
    assert found.d_se.item() == pytest.approx(2.35 * 0.44797431566581403, abs=1e-12)
    assert (found.n_reference.item(), found.n_focal.item()) == (50, 50)


@pytest.mark.parametrize(
    ("cell", "d", "ets"),
    [
        ((5_500, 4_500, 5_000, 5_000), -0.47, "A"),  # significant, but small
        ((40, 20, 30, 30), -1.63, "A"),  # large, but not significant
        ((6_500, 3_500, 5_300, 4_700), -1.17, "B"),
        ((200, 100, 150, 150), -1.63, "B"),  # not significantly above 1
        ((6_700, 3_300, 5_000, 5_000), -1.66, "C"),
        ((5_000, 5_000, 6_700, 3_300), 1.66, "C"),
    ],
)
def test_classes_take_both_size_and_certainty(cell: tuple[int, int, int, int], d: float, ets: str) -> None:
    found = of_strata(cell)
    assert found.d.item() == pytest.approx(d, abs=0.01)
    assert found.ets == (ets,)


def test_too_few_of_a_group_have_no_class_and_others_do_not_count() -> None:
    rng = np.random.default_rng(5)
    items = bank(5, rng)
    answers = answered(items, rng.normal(size=300), 5, rng)
    none = estimated(items, np.zeros(3, dtype=bool))
    group = np.repeat([0, 1, 2], [200, 49, 51])
    few = dif(answers, items, predict(answers, items), none, group)
    assert few.ets == ("few",) * 5
    assert np.isnan([few.d, few.b_shift, few.adjusted]).all()
    assert (few.n_focal == 49).all()
    # Whatever the third group answers
    other = ResponseMatrix(answers.user, answers.item, np.where(group[answers.user] == 2, 0, answers.correct), 300, 5)
    group = np.repeat([0, 1, 2], [150, 99, 51])
    assert dif(other, items, predict(other, items), none, group).d == pytest.approx(
        dif(answers, items, predict(answers, items), none, group).d, abs=1e-12
    )


def test_priors_of_groups_are_their_means_and_sds() -> None:
    rng = np.random.default_rng(6)
    group = np.repeat([0, 1], 4_000)
    theta = np.where(group, -1 + 0.6 * rng.normal(size=8_000), 0.3 + rng.normal(size=8_000))
    items = bank(40, rng)
    mean, sd = group_priors(answered(items, theta, 20, rng), items, group)
    assert (mean[0], mean[-1]) == pytest.approx((0.3, -1.0), abs=0.06)
    assert (sd[0], sd[-1]) == pytest.approx((1.0, 0.6), abs=0.06)
