"""The R service is an estimator like any other, and gives the numbers of the one in this process."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from resources.estimators.contract import Estimator
from resources.estimators.in_process import InProcessEstimator
from resources.estimators.r_service.client import RServiceEstimator
from resources.model import STANDARD_NORMAL, ItemBank, Prior, Priors, Responses
from tests import long_form
from tests.beside import beside
from tests.integration.conftest import TOKEN
from tests.unit.estimators.estimator_contract import EstimatorContract, bank_of, responses_of
from tests.unit.irt import own_sets, reference

# The two sum the same terms in another order. The contract asks for 1e-6 against results made elsewhere.
ATOL = 1e-9


class TestRServiceEstimator(EstimatorContract):
    @pytest.fixture
    def estimator(self, r_estimator: RServiceEstimator) -> Estimator:
        return r_estimator


@pytest.mark.parametrize("name", reference.SCORED_SETS)
def test_both_engines_agree_on_every_reference_set(r_estimator: RServiceEstimator, name: str) -> None:
    patterns = reference.read(f"{name}_scores.csv").filter(regex=r"^i\d+$")
    agree(r_estimator, responses_of(patterns), bank_of(reference.items(name)), Prior(0.0, reference.group_sd(name)))


@pytest.mark.parametrize("name", own_sets.SCORED)
def test_both_engines_agree_on_our_own_sets(r_estimator: RServiceEstimator, name: str) -> None:
    responses = responses_of(own_sets.right(name.split("_")[0]))
    agree(
        r_estimator, responses, bank_of(own_sets.items(name), responses.item_keys), Prior(0.0, own_sets.GROUP_SD[name])
    )


def test_both_engines_agree_on_5000_sparse_users(r_estimator: RServiceEstimator) -> None:
    agree(r_estimator, *sparse())


@pytest.mark.parametrize("guessing", [0.0, 0.3])
@pytest.mark.parametrize("sd", [(0.2, 1.0), (0.2, 2.0), (1.5, 3.0)])
def test_both_engines_agree_on_5000_users_with_a_prior_each(
    r_service_url: str, guessing: float, sd: tuple[float, float]
) -> None:
    responses, bank = sparse(guessing)
    draw = np.random.default_rng(9)
    n = len(responses.user_ids)
    # Several requests: a prior must go where its user goes.
    service = RServiceEstimator(r_service_url, TOKEN, responses_at_once=responses.user.size // 3)
    agree(service, responses, bank, Priors(draw.normal(0, 2, n), draw.uniform(*sd, n)))


def sparse(guessing: float = 0.0) -> tuple[Responses, ItemBank]:
    items = reference.read("sparse1_2pl_items_tight.csv").astype({"item_id": str})
    long = reference.read("sparse1_long.csv").rename(columns={"item_id": "item_key", "response": "correct"})
    responses = long_form.responses(long.astype({"user_id": str, "item_key": str, "correct": "boolean"}))
    return responses, ItemBank(
        "sparse1", "3PL" if guessing else "2PL", tuple(items["item_id"]),
        items["a"].to_numpy(), items["b"].to_numpy(), np.full(len(items), guessing),
    )  # fmt: skip


@pytest.mark.parametrize("prior", [STANDARD_NORMAL, Prior(0.5, 2.0)])
@pytest.mark.parametrize("guessing", [0.0, 0.3])
def test_both_engines_agree_on_9940_learners_of_an_online_course(
    r_estimator: RServiceEstimator, guessing: float, prior: Prior
) -> None:
    log = beside("data", "stepik_responses.parquet")
    attempts = pd.read_parquet(log, columns=["user_id", "item_id", "correct", "answered_at"])
    first = attempts.sort_values("answered_at", kind="stable").drop_duplicates(["user_id", "item_id"])
    first = first.assign(item_key=first["item_id"].astype(str), user_id=first["user_id"].astype(str))
    responses = long_form.responses(first.astype({"correct": "boolean"}))
    assert len(responses.user_ids) == 9_940
    draw = np.random.default_rng(7)  # no bank came with the data
    n = len(responses.item_keys)
    bank = ItemBank(
        "made up", "3PL" if guessing else "2PL", responses.item_keys,
        draw.lognormal(0, 0.4, n), draw.normal(size=n), draw.uniform(0, guessing, n),
    )  # fmt: skip
    agree(r_estimator, responses, bank, prior)


def agree(service: Estimator, responses: Responses, bank: ItemBank, prior: Prior | Priors = STANDARD_NORMAL) -> None:
    one, other = service.estimate(responses, bank, prior), InProcessEstimator().estimate(responses, bank, prior)
    assert one.user_ids == other.user_ids
    assert one.unscored == other.unscored
    assert_array_equal(one.n_items, other.n_items)
    assert_allclose(one.theta, other.theta, rtol=0, atol=ATOL)
    assert_allclose(one.se, other.se, rtol=0, atol=ATOL)
