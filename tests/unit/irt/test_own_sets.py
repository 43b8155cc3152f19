"""What the README claims of the numbers, held by the sets in `tests/reference` alone: a lone clone runs all of this."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from resources.irt import fit
from resources.irt.calibration.calibrate import calibrate
from resources.irt.calibration.linking import Method, Weights, link
from resources.irt.eap import eap_on_grid
from resources.irt.response_functions import Floats, Items, probability
from resources.irt.s_x2 import s_x2
from tests.unit.irt import own_sets
from tests.unit.irt.own_sets import answers_of, column

PRINTED = 6e-9  # mirt's scores have nine digits, and abilities are below 10


@pytest.mark.parametrize("name", own_sets.SCORED)
@pytest.mark.parametrize(
    ("scores", "grid"),
    [
        ("EAP61", np.linspace(-6, 6, 61)),
        ("EAP41_4", np.linspace(-4, 4, 41)),
        ("EAP1201_12", np.linspace(-12, 12, 1201)),
    ],
)
def test_eap_equals_base_r_on_the_same_grid(name: str, scores: str, grid: Floats) -> None:
    expected = own_sets.base_r(name)
    answers = answers_of(own_sets.right_of_base_r(name))
    got = eap_on_grid(answers, own_sets.items(name), grid, 0.0, own_sets.GROUP_SD[name])
    # the same sums in another order
    assert_allclose(got.mean, expected[scores], rtol=0, atol=1e-12)
    assert_allclose(got.sd, expected[f"{scores}_SE"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", own_sets.SCORED)
def test_eap_equals_base_r_under_another_prior(name: str) -> None:
    expected = own_sets.base_r(name)
    answers = answers_of(own_sets.right_of_base_r(name))
    got = eap_on_grid(answers, own_sets.items(name), np.linspace(-16, 16, 1601), 0.5, np.sqrt(2))
    assert_allclose(got.mean, expected["EAP_m05_v2"], rtol=0, atol=1e-12)
    assert_allclose(got.sd, expected["EAP_m05_v2_SE"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", own_sets.SCORED)
def test_eap_equals_mirt_to_its_last_digit(name: str) -> None:
    expected = own_sets.table(f"{name}_scores")
    answers = answers_of(own_sets.right(name.split("_")[0]))
    got = eap_on_grid(answers, own_sets.items(name), np.linspace(-6, 6, 61), 0.0, own_sets.GROUP_SD[name])
    assert_allclose(got.mean, expected["EAP61"], rtol=0, atol=PRINTED)
    assert_allclose(got.sd, expected["EAP61_SE"], rtol=0, atol=PRINTED)


def test_2pl_equals_mirt_in_parameters_standard_errors_and_likelihood() -> None:
    expected, errors = own_sets.items("own2pl_2pl"), own_sets.table("own2pl_2pl_se")
    got = calibrate(answers_of(own_sets.right("own2pl")))
    assert got.converged
    assert_allclose(got.items.a, expected.a, rtol=0, atol=1e-5)
    assert_allclose(got.items.b, expected.b, rtol=0, atol=1e-5)
    assert_allclose(got.se.a, errors.loc[errors["par"] == "a1", "se"], rtol=1e-4)
    assert_allclose(got.se.d, errors.loc[errors["par"] == "d", "se"], rtol=1e-4)
    assert got.log_likelihood == pytest.approx(own_sets.log_likelihood("own2pl 2PL"), abs=1e-6)


def test_rasch_equals_mirt() -> None:
    n, unknown = 20, np.full(20, np.nan)
    got = calibrate(
        answers_of(own_sets.right("own2pl")), known=Items(np.ones(n), unknown, unknown), group="estimate sd"
    )
    assert_allclose(got.items.b, own_sets.items("own2pl_rasch").b, rtol=0, atol=1e-4)
    assert got.group_sd == pytest.approx(own_sets.GROUP_SD["own2pl_rasch"], abs=1e-4)
    assert got.log_likelihood == pytest.approx(own_sets.log_likelihood("own2pl Rasch"), abs=1e-5)


def test_3pl_equals_mirt_under_a_prior_on_guessing() -> None:
    expected = own_sets.items("own3pl_3pl_prior")
    got = calibrate(answers_of(own_sets.right("own3pl")), "3PL", se_method="none")
    # mirt stopped after 650 cycles, a and b within about 1e-5 of the maximum
    assert_allclose(got.items.a, expected.a, rtol=0, atol=1e-3)
    assert_allclose(got.items.b, expected.b, rtol=0, atol=1e-3)
    assert_allclose(got.items.c, expected.c, rtol=0, atol=1e-3)


def test_new_items_beside_known_ones_equal_mirt_and_so_does_the_group() -> None:
    expected, group = own_sets.items("ownfixed"), own_sets.table("ownfixed_group").iloc[0]
    true = own_sets.items("ownfixed_true")
    anchor = np.arange(20) < 12
    known = Items(*(np.where(anchor, x, np.nan) for x in (true.a, true.b, true.c)))
    answers = answers_of(own_sets.right("ownfixed"))
    got = calibrate(answers, known=known, group="estimate mean and sd", grid=np.linspace(-8, 10, 201), se_method="none")
    assert_allclose(got.items.a, expected.a, rtol=0, atol=1e-4)
    assert_allclose(got.items.b, expected.b, rtol=0, atol=1e-4)
    assert got.group_mean == pytest.approx(group["mean"], abs=1e-4)
    assert got.group_sd**2 == pytest.approx(group["var"], abs=1e-4)


@pytest.mark.parametrize("group", ["g2", "g3"])
def test_a_group_far_from_the_scale_equals_mirt(group: str) -> None:
    """At the maximum over all groups, each group's mean and variance are the maximum for its own answers, too."""
    expected = own_sets.table("owngroups_groups").set_index("group").loc[group]
    of_group = (own_sets.table("owngroups_responses")["group"] == group).to_numpy()
    answered = own_sets.right("owngroups")[of_group].dropna(axis=1, how="all")
    at = np.array([int(name[1:]) - 1 for name in answered.columns])
    got = calibrate(
        answers_of(answered), known=own_sets.items("owngroups").at(at), group="estimate mean and sd",
        grid=np.linspace(-10, 14, 201), se_method="none",
    )  # fmt: skip
    assert got.group_mean == pytest.approx(expected["mean"], abs=1e-3)
    assert got.group_sd**2 == pytest.approx(expected["var"], abs=1e-3)


def test_linking_constants_equal_base_r() -> None:
    y, x = own_sets.items("own2pl_2pl"), own_sets.items("own2pl_true")
    weights = {"even": Weights(np.linspace(-4, 4, 40), np.ones(40))}
    expected = own_sets.table("base_r_linking")
    methods: list[Method] = ["mean-mean", "mean-sigma", "mean-gmean", "Haebara", "Stocking-Lord"]
    assert set(methods) == set(expected["method"])
    for _, row in expected.iterrows():
        got = link(y, x, row["method"], weights.get(row["weights"]))
        assert_allclose([got.slope, got.intercept], [row["A"], row["B"]], rtol=0, atol=1e-7)


def test_person_fit_equals_mirt() -> None:
    items, expected = own_sets.items("own2pl_2pl"), own_sets.table("own2pl_2pl_personfit")
    answers = answers_of(own_sets.right("own2pl"))
    theta = eap_on_grid(answers, items, np.linspace(-6, 6, 61)).mean
    got = fit.person_residuals(answers, items, theta)
    p = probability(items, theta)
    compared = (p * (1 - p)).min(axis=0) > 10**-2.5  # mirt replaces smaller variances
    assert compared.mean() > 0.5
    # mirt is 1.2e-7 away where all or nothing was right, elsewhere 2e-8
    assert_allclose(fit.lz(answers, items, theta), expected["Zh"], rtol=0, atol=2e-7)
    assert_allclose(got.infit[compared], expected["infit"][compared], rtol=0, atol=1e-7)
    assert_allclose(got.outfit[compared], expected["outfit"][compared], rtol=0, atol=1e-7)


def test_item_fit_equals_mirt() -> None:
    items, expected = own_sets.items("own2pl_2pl"), own_sets.table("own2pl_2pl_itemfit")
    answers = answers_of(own_sets.right("own2pl"))
    theta = eap_on_grid(answers, items, np.linspace(-6, 6, 61)).mean
    got = fit.item_residuals(answers, items, theta)
    p = probability(items, theta)
    compared = (p * (1 - p)).min(axis=1) > 10**-2.5
    assert compared.sum() >= 5
    assert_allclose(got.infit[compared], expected["infit"][compared], rtol=0, atol=1e-7)
    assert_allclose(got.outfit[compared], expected["outfit"][compared], rtol=0, atol=1e-7)
    s = s_x2(answers, items, n_estimated=2)
    assert s.reason is None
    assert_allclose(s.statistic, expected["S_X2"], rtol=0, atol=1e-7)
    assert_allclose(s.df, expected["df.S_X2"])
    assert_allclose(s.p, expected["p.S_X2"], rtol=0, atol=1e-7)


def test_information_equals_mirt() -> None:
    expected = own_sets.table("own2pl_2pl_info")
    got = fit.total_information(own_sets.items("own2pl_2pl"), column(expected, "theta"))
    assert_allclose(got, expected["info"], rtol=0, atol=1e-12)


def test_corrected_person_fit_is_that_of_snijders_at_the_mode() -> None:
    """At a posterior's mode the sum of r (y - P) is the prior's pull, theta / sd^2: his r0, with the sign turned."""
    items = own_sets.items("own2pl_2pl")
    answers = answers_of(own_sets.right("own2pl"))
    theta = column(own_sets.table("own2pl_2pl_scores"), "MAP")
    p = probability(items, theta).T
    a, right = items.a, own_sets.right("own2pl").to_numpy()
    w, slope = np.log(p / (1 - p)), a * p * (1 - p)  # of the 2PL, r is a
    k = (slope * w).sum(axis=1) / (slope * a).sum(axis=1)
    variance = ((w - k[:, None] * a) ** 2 * p * (1 - p)).sum(axis=1)
    expected = (((right - p) * w).sum(axis=1) - k * theta) / np.sqrt(variance)
    assert_allclose(fit.lz_star(answers, items, theta), expected, rtol=0, atol=2e-4)  # where mirt's mode stops
