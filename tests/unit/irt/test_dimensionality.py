import numpy as np
import pytest

from resources.irt.diagnostics.dimensionality import Dimensionality, dimensionality
from resources.irt.diagnostics.pairs import pairs
from resources.irt.diagnostics.predictions import predict
from resources.irt.diagnostics.topics import ByTopic, by_topic
from tests.benchmarks.diagnostics_simulation import answered, bank, fitted, two_abilities


def checked(
    r: float, seed: int, n_users: int = 1_000, n_items: int = 40, each: int = 40
) -> tuple[Dimensionality, ByTopic]:
    """Two halves of the items, abilities correlated r."""
    rng = np.random.default_rng(seed)
    theta, topic = two_abilities(n_users, n_items, r, rng)
    answers = answered(bank(n_items, rng), theta, each, rng)
    items = fitted(answers).items
    predictions = predict(answers, items)
    return dimensionality(answers, items, predictions, rng), by_topic(pairs(answers, predictions), topic)


@pytest.mark.parametrize(("r", "n_users", "n_items", "each"), [(0.3, 1_000, 40, 40), (0.8, 1_000, 40, 40),
                                                              (0.6, 1_500, 100, 30)])  # fmt: skip
def test_two_abilities_do_not_pass_in_silence(r: float, n_users: int, n_items: int, each: int) -> None:
    """20 and 20 items at r = .3 passed every check there was."""
    whole, parts = checked(r, 1, n_users, n_items, each)
    assert whole.several
    assert whole.first > 1.3 * whole.reference.max()
    assert whole.first > 1.3 * whole.second
    assert parts.several
    assert parts.within > 0.01 > -0.01 > parts.between
    assert (parts.of_topic > 5 * parts.of_topic_se).all()


def test_one_ability_is_not_split() -> None:
    found = [checked(1.0, seed, n_users=300, n_items=16, each=16) for seed in range(14)]
    assert sum(whole.several for whole, _ in found) <= 3
    assert sum(parts.several for _, parts in found) <= 3
    p = np.array([parts.p for _, parts in found])
    assert (p < 0.05).sum() <= 3
    assert 0.3 < p.mean() < 0.7
    assert 0.3 < np.mean([whole.p for whole, _ in found]) < 0.8


def test_topics_that_all_but_agree_are_one_scale_however_many_learners() -> None:
    rng = np.random.default_rng(3)
    theta, topic = two_abilities(2_000, 40, 0.95, rng)
    answers = answered(bank(40, rng), theta, 40, rng)
    parts = by_topic(pairs(answers, predict(answers, fitted(answers).items)), topic)
    assert parts.p < 0.001
    assert not parts.several


def test_topics_tell_what_no_learner_has_in_common() -> None:
    rng = np.random.default_rng(2)
    items = bank(6, rng)
    answers = answered(items, rng.normal(size=50), 6, rng)
    found = pairs(answers, predict(answers, items))
    alone = by_topic(found, np.array([0, 0, 0, 1, 1, 2]))
    assert np.isnan(alone.of_topic).tolist() == [False, False, True]  # a topic of one item
    one = by_topic(found, np.zeros(6, dtype=int))
    assert np.isnan([one.between, one.p]).all()
    assert not one.several
