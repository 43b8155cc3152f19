"""Banks from simulated learners: the scale stays where it was, and what cannot be calibrated is named or refused."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from assets import item_parameters
from assets.calibration import item_bank
from assets.calibration.item_bank import NewBank, new_bank
from resources.errors import InvalidInput, NotConverged
from resources.estimators.in_process import InProcessEstimator
from resources.irt.calibration.linking import Link, drift
from resources.irt.calibration.screening import Screening
from resources.irt.response_functions import Floats, Items, probability
from resources.model import ItemBank
from tests import answer_tables, long_form

NOW = dt.datetime(2025, 6, 2, tzinfo=dt.UTC)
N_ITEMS = 40


def quiet(task: str, done: int, total: int) -> None:
    """Nobody watches."""


def true_items(n: int = N_ITEMS) -> Items:
    rng = np.random.default_rng(5)
    return Items(rng.lognormal(0.1, 0.25, n), rng.normal(0, 0.8, n), np.zeros(n))


def answers(theta: Floats, items: Items, seed: int) -> pd.DataFrame:
    """Every learner's answer to every item, drawn from the model."""
    right = np.random.default_rng(seed).random((theta.size, items.a.size)) < probability(items, theta).T
    user, item = np.indices(right.shape).reshape(2, -1)
    return pd.DataFrame(
        {
            "user_id": [f"{seed}-{u}" for u in user],
            "item_key": [f"q{j:02d}" for j in item],
            "correct": pd.array(right.ravel(), dtype="boolean"),
            "topic_id": pd.array(["A"] * item.size, dtype="str"),
        }
    )


def test_an_items_topic_is_the_one_it_was_answered_under_most() -> None:
    frame = answers(drawn(300, 0, 1), true_items(12), 1)
    key, nth = frame["item_key"], frame.groupby("item_key").cumcount()
    frame.loc[(key == "q03") & (nth < 200), "topic_id"] = "B"
    frame.loc[(key == "q04") & (nth < 150), "topic_id"] = "Z"
    frame.loc[key == "q05", "topic_id"] = None
    topics = calibrated(frame).bank.topics
    assert (topics["q02"], topics["q03"], topics["q04"]) == ("A", "B", "A")
    assert "q05" not in topics


def drawn(n: int, mean: float, seed: int) -> Floats:
    return np.random.default_rng(100 + seed).normal(mean, 1, n)


def calibrated(frame: pd.DataFrame, in_force: ItemBank | None = None) -> NewBank:
    at = pd.Timestamp(NOW) - pd.Timedelta(days=1)
    return new_bank(answer_tables.answers(frame.assign(completed_at=at)), "2PL", in_force, NOW, quiet)


@pytest.fixture(scope="module")
def first() -> NewBank:
    return calibrated(answers(drawn(1_500, 0.0, 1), true_items(), 1))


@pytest.fixture(scope="module")
def second(first) -> NewBank:
    """From learners who are a logit abler."""
    return calibrated(answers(drawn(1_500, 1.0, 2), true_items(), 2), first.bank)


def test_a_bank_renewed_from_abler_learners_leaves_everybodys_theta_where_it_was(first, second):
    responses = long_form.responses(answers(np.linspace(-1.5, 2, 60), true_items(), 3))
    before = InProcessEstimator().estimate(responses, first.bank)
    after = InProcessEstimator().estimate(responses, second.bank)
    moved = after.theta - before.theta
    # Each bank has sampling errors of its own; unlinked, everybody would fall by a logit.
    assert abs(moved.mean()) < 0.06
    assert np.abs(moved).max() < 0.25 < before.se.mean()
    assert second.linking is not None
    assert second.linking.link.intercept == pytest.approx(1.0, abs=0.1)
    assert second.linking.link.slope == pytest.approx(1.0, abs=0.1)


def test_the_link_rests_on_stable_items_and_an_item_that_changed_is_not_one_of_them(first):
    changed = true_items()
    changed.b[7] += 2.0
    found = calibrated(answers(drawn(1_500, 0.0, 4), changed, 4), first.bank)
    assert found.linking is not None
    place = found.linking.anchors.index("q07")
    assert not found.linking.used[place]
    assert not found.linking.drift.stable[place]
    assert found.linking.drift.z_b[place] < -5
    assert found.linking.used.sum() > N_ITEMS / 2


def test_the_drift_that_is_told_is_that_of_the_link_in_force_and_not_of_the_first_try(first):
    changed = true_items()
    changed.b[7] += 2.0
    linking = calibrated(answers(drawn(1_500, 0.0, 4), changed, 4), first.bank).linking
    assert linking is not None
    again = drift(linking.after, linking.before, Link(1.0, 0.0))
    np.testing.assert_allclose(linking.drift.z_b, again.z_b, atol=1e-9)
    np.testing.assert_allclose(linking.drift.z_a, again.z_a, atol=1e-9)


def test_linked_standard_errors_are_on_the_banks_scale(first):
    """What has no scale stays as it was calibrated: the error of a in parts of a, and that of b in parts of 1 / a."""
    spread = np.random.default_rng(12).normal(0.5, 1.6, 1_500)
    found = calibrated(answers(spread, true_items(), 12), first.bank)
    assert found.linking is not None
    assert found.linking.link.slope > 1.3
    own, se = found.calibration, item_parameters._standard_errors(found)
    np.testing.assert_allclose(se["a"] / found.bank.a, (own.se.a / own.items.a)[found.kept], rtol=1e-12)
    np.testing.assert_allclose(se["b"] * found.bank.a, (own.se.b * own.items.a)[found.kept], rtol=1e-12)


@pytest.mark.parametrize(("stable", "left_out"), [(4, []), (5, [2])])
def test_the_link_leaves_out_a_changed_item_where_five_stable_ones_remain(stable, left_out):
    n = stable + 1
    keys = [f"q{j}" for j in range(n)]
    old = ItemBank("v1", "2PL", tuple(keys), np.ones(n), np.linspace(-1, 1, n), np.zeros(n))
    new = Items(old.a, old.b + np.where(np.arange(n) == 2, 2.0, 0.0), old.c)
    assert np.flatnonzero(~item_bank._linked(keys, new, old).used).tolist() == left_out


def test_where_too_few_common_items_are_stable_the_link_rests_on_all_and_says_so(first):
    frame = answers(drawn(1_500, 0.0, 6), true_items(), 6)
    found = calibrated(frame[frame["item_key"] < "q05"], first.bank).linking
    assert found is not None
    assert len(found.anchors) == item_bank.MIN_ANCHORS
    assert not found.drift.stable.all()
    assert found.used.all()


def test_a_bank_with_too_few_items_in_common_is_refused_since_its_scale_is_unknown(first):
    frame = answers(drawn(600, 0.0, 7), true_items(), 7)
    renamed = frame.assign(item_key=np.where(frame["item_key"] < "q04", frame["item_key"], "new-" + frame["item_key"]))
    with pytest.raises(
        InvalidInput, match=r"Only 4 items are also in the bank in force, 2pl-2025-06-02-.* 5 are needed"
    ):
        calibrated(renamed, first.bank)


def test_items_that_say_nothing_are_left_out_and_named_with_their_reasons():
    items = true_items(12)
    theta = drawn(800, 0.0, 8)
    frame = answers(theta, items, 8)
    key = frame["item_key"]
    frame.loc[key == "q00", "correct"] = True
    frame.loc[key == "q01", "correct"] = ~frame.loc[key == "q01", "correct"]  # marked with a wrong key
    frame.loc[(key == "q02") & (frame.groupby("item_key").cumcount() >= 20), "correct"] = pd.NA
    found = calibrated(frame)
    reasons = dict(found.left_out)
    assert reasons["q00"] == "all 800 answers right"
    assert "is its key right?" in reasons["q01"]
    assert reasons["q02"] == "20 answers, fewer than 30"
    assert set(reasons) == {"q00", "q01", "q02"}
    assert found.bank.item_keys == tuple(f"q{j:02d}" for j in range(3, 12))
    assert found.kept.sum() == len(found.bank.item_keys)


def test_answers_without_an_item_to_calibrate_are_refused():
    few = answers(drawn(20, 0.0, 9), true_items(3), 9)
    with pytest.raises(InvalidInput, match="of 3 items with answers none has enough"):
        calibrated(few)


def test_a_bank_of_which_no_item_is_any_use_is_refused_and_not_saved_empty(monkeypatch):
    monkeypatch.setattr(item_bank, "after_calibration", lambda found: _all_out(found.items.a.size))
    with pytest.raises(InvalidInput, match="all 5 came out useless, such as q04: no use"):
        calibrated(answers(drawn(200, 0.0, 10), true_items(5), 10))


def _all_out(n: int) -> Screening:
    return Screening(np.zeros(n, dtype=bool), tuple((j, "no use") for j in range(n)))


def test_a_calibration_that_does_not_converge_is_an_error_and_no_bank(monkeypatch):
    monkeypatch.setattr(item_bank, "MAX_CYCLES", 2)
    with pytest.raises(NotConverged, match="after 2 cycles a parameter still moves"):
        calibrated(answers(drawn(300, 0.0, 11), true_items(6), 11))
