"""A bank after the first: the scale stays where it was, and what moved does not carry it along."""

import numpy as np
import pytest

from assets.calibration.item_bank import NewBank
from resources.errors import InvalidInput
from resources.estimators.in_process import InProcessEstimator
from resources.irt.response_functions import Items
from tests import long_form
from tests.unit.assets.simulated_banks import N_ITEMS, answers, calibrated, drawn, more_items, on_scale_of, true_items


@pytest.fixture(scope="module")
def first() -> NewBank:
    return calibrated(answers(drawn(1_500, 0.0, 1), true_items(), 1))


@pytest.fixture(scope="module")
def second(first) -> NewBank:
    """From learners who are a logit abler."""
    return calibrated(answers(drawn(1_500, 1.0, 2), true_items(), 2), first)


def test_a_bank_renewed_from_abler_learners_leaves_everybodys_theta_where_it_was(first, second):
    responses = long_form.responses(answers(np.linspace(-1.5, 2, 60), true_items(), 3))
    before = InProcessEstimator().estimate(responses, first.made.bank)
    after = InProcessEstimator().estimate(responses, second.made.bank)
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
    found = calibrated(answers(drawn(1_500, 0.0, 4), changed, 4), first)
    assert found.linking is not None
    place = found.linking.anchors.index("q07")
    assert found.linking.drift.moved[place]
    assert found.linking.drift.z[place] > 5
    assert found.linking.drift.shift[place] < -0.2
    assert found.linking.drift.moved.sum() < 4
    assert found.linking.after.b[place] - found.linking.before.b[place] == pytest.approx(2.0, abs=0.4)


def test_linked_errors_are_on_the_banks_scale(first):
    """What has no scale stays as it was calibrated: the error of a in parts of a, and that of b in parts of 1 / a."""
    spread = np.random.default_rng(12).normal(0.5, 1.6, 1_500)
    found = calibrated(answers(spread, true_items(), 12), first)
    assert found.linking is not None
    assert found.linking.link.slope > 1.3
    own, made = found.fitted.found, found.made
    errors = np.sqrt(np.diagonal(made.covariance, axis1=1, axis2=2))
    np.testing.assert_allclose(errors[:, 0] / made.bank.a, own.se.a / own.items.a, rtol=1e-12)
    np.testing.assert_allclose(errors[:, 1] * made.bank.a, own.se.b * own.items.a, rtol=1e-12)


def test_new_items_come_onto_the_scale_in_force_and_the_old_ones_stay_as_they_are(first):
    """From learners who are a logit abler."""
    theta, items = drawn(1_500, 1.0, 20), more_items(6)
    found = calibrated(answers(theta, items, 20), first, all_items=False)
    bank, before = found.made.bank, first.made.bank
    assert found.new_items == [f"q{j}" for j in range(N_ITEMS, N_ITEMS + 6)]
    assert bank.item_keys == (*before.item_keys, *found.new_items)
    np.testing.assert_array_equal(bank.b[:N_ITEMS], before.b)
    np.testing.assert_array_equal(found.made.covariance[:N_ITEMS], first.made.covariance)
    errors = bank.b[N_ITEMS:] - on_scale_of(first, items)[N_ITEMS:]
    assert np.abs(errors).max() < 0.35
    assert errors.mean() == pytest.approx(0, abs=0.1)
    assert found.fitted.found.of_all()[0] == pytest.approx(1.0, abs=0.1)


def test_an_item_that_moved_does_not_carry_new_ones_with_it(first):
    """Ten of forty leaked: held at their old difficulty they made everybody abler, and the new items harder."""
    items = more_items(6)
    leaked = Items(items.a, items.b - np.where(np.arange(N_ITEMS + 6) < 10, 1.0, 0.0), items.c)
    found = calibrated(answers(drawn(1_500, 0.0, 21), leaked, 21), first, all_items=False)
    assert found.linking is not None
    assert set(np.array(found.linking.anchors)[found.linking.drift.moved]) == {f"q{j:02d}" for j in range(10)}
    bank = found.made.bank
    np.testing.assert_array_equal(bank.b[:N_ITEMS], first.made.bank.b)
    assert (bank.b[N_ITEMS:] - on_scale_of(first, items)[N_ITEMS:]).mean() == pytest.approx(0, abs=0.1)


def test_without_a_new_item_there_is_nothing_to_save(first):
    found = calibrated(answers(drawn(600, 0.0, 22), true_items(), 22), first, all_items=False)
    assert (list(found.new_items), found.to_save) == ([], False)
    assert found.linking is not None


def test_a_bank_with_too_few_items_in_common_is_refused_since_its_scale_is_unknown(first):
    frame = answers(drawn(600, 0.0, 7), true_items(), 7)
    renamed = frame.assign(item_key=np.where(frame["item_key"] < "q04", frame["item_key"], "new-" + frame["item_key"]))
    with pytest.raises(InvalidInput, match=r"Only 4 items are also in the bank in force, and 5 are needed"):
        calibrated(renamed, first)


def test_a_bank_of_another_model_is_renewed_whole_or_not_at_all(first):
    frame = answers(drawn(300, 0.0, 50), true_items(), 50)
    with pytest.raises(InvalidInput, match=r"is of the 2PL, and IRT_MODEL is 3PL: .*--all-items"):
        calibrated(frame, first, model="3PL", all_items=False)
    with pytest.raises(InvalidInput, match="IRT_MODEL=1PL is the same model on any scale"):
        calibrated(frame, first, model="Rasch")
    one_slope = calibrated(frame, first, model="1PL").made.bank
    assert np.ptp(one_slope.a) < 1e-9
    assert one_slope.version.startswith("1pl-")


@pytest.mark.parametrize("model", ["Rasch", "1PL"])
def test_a_bank_with_one_slope_keeps_it(model):
    items = Items(np.full(20, 1.3), true_items(20).b, np.zeros(20))
    made = calibrated(answers(drawn(500, 0.0, 51), items, 51), model=model)
    a = made.made.bank.a
    assert np.ptp(a) == 0
    assert a[0] == 1 if model == "Rasch" else a[0] == pytest.approx(1.3, abs=0.15)
    wider = Items(np.full(24, 1.3), np.concatenate([items.b, np.linspace(-1, 1, 4)]), np.zeros(24))
    for all_items in (True, False):
        again = calibrated(answers(drawn(500, 0.5, 52), wider, 52), made, model=model, all_items=all_items)
        np.testing.assert_allclose(again.made.bank.a, a[0], rtol=1e-12)
        assert len(again.new_items) == 4
