"""Banks from simulated learners: the scale stays where it was, and what cannot be calibrated is named or refused."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from assets.calibration import fitting
from assets.calibration.counted import counted
from assets.calibration.fitting import Fitting
from assets.calibration.item_bank import NewBank, new_bank
from assets.calibration.sample import Chosen
from resources.errors import InvalidInput, NotConverged
from resources.estimators.in_process import InProcessEstimator
from resources.irt.calibration.linking import MIN_ANCHORS
from resources.irt.calibration.screening import Screening
from resources.irt.response_functions import Floats, Items, probability
from resources.model import Model
from tests import answer_tables, long_form

NOW = dt.datetime(2025, 6, 2, tzinfo=dt.UTC)
N_ITEMS = 40


def quiet(task: str, done: int, total: int) -> None:
    """Nobody watches."""


def true_items(n: int = N_ITEMS) -> Items:
    rng = np.random.default_rng(5)
    return Items(rng.lognormal(0.1, 0.25, n), rng.normal(0, 0.8, n), np.zeros(n))


def more_items(n: int) -> Items:
    """The true ones, and n more."""
    old, new = true_items(), Items(np.ones(n), np.linspace(-1, 1, n), np.zeros(n))
    return Items(*(np.concatenate(pair) for pair in ((old.a, new.a), (old.b, new.b), (old.c, new.c))))


def on_scale_of(first: NewBank, items: Items) -> Floats:
    """The true difficulties on the first bank's scale, on which its own learners are N(0, 1)."""
    b, true = first.made.bank.b, items.b[:N_ITEMS]
    return b.mean() + b.std() / true.std() * (items.b - true.mean())


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
    topics = calibrated(frame).made.bank.topics
    assert (topics["q02"], topics["q03"], topics["q04"]) == ("A", "B", "A")
    assert "q05" not in topics


def drawn(n: int, mean: float, seed: int) -> Floats:
    return np.random.default_rng(100 + seed).normal(mean, 1, n)


def calibrated(
    frame: pd.DataFrame,
    in_force: NewBank | None = None,
    *,
    model: Model = "2PL",
    all_items: bool = True,
    chosen: Chosen | None = None,
    exam_of: dict[str, str] | None = None,
) -> NewBank:
    dated = frame if "completed_at" in frame else frame.assign(completed_at=pd.Timestamp(NOW) - pd.Timedelta(days=1))
    return new_bank(
        counted([answer_tables.table(dated)], exam_of or {}), chosen or Chosen(), Fitting(model, quiet),
        in_force.made if in_force else None, NOW, all_items=all_items,
    )  # fmt: skip


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


def test_growth_between_the_periods_does_not_bend_the_items_that_only_the_later_one_met():
    """Each learner had one ability for ever: after growth, new items came out easier by .39."""
    theta, items = drawn(1_200, 0.0, 23), true_items()
    early, late = (answers(of, items, seed) for of, seed in ((theta, 24), (theta + 1.0, 25)))
    late["user_id"] = late["user_id"].str.replace("25-", "24-")
    number = early["item_key"].str[1:].astype(int)
    asked_late = np.random.default_rng(1).random(len(late)) < 0.7
    frame = pd.concat([
        early[(number < 25) & ~asked_late].assign(completed_at=pd.Timestamp("2025-01-06", tz="UTC")),
        late[(number >= 25) | asked_late].assign(completed_at=pd.Timestamp("2025-03-31", tz="UTC")),
    ])  # fmt: skip
    found = calibrated(frame)
    mean = dict(zip(found.fitted.sample.groups, found.fitted.found.group_mean * found.link.slope, strict=True))
    assert mean["no exam, time 2 of 2"] - mean["no exam, time 1 of 2"] == pytest.approx(0.9, abs=0.15)
    b, expected = found.made.bank.b, items.b
    scale = b[:25].std() / expected[:25].std()
    new = b[25:] - (b[:25].mean() + scale * (expected[25:] - expected[:25].mean()))
    assert new.mean() == pytest.approx(0, abs=0.07)


def test_exams_without_a_common_item_are_not_put_on_one_scale():
    """Three real exams came onto one scale in silence, each with a mean of 0, and everybody was ranked together."""
    one, two = answers(drawn(300, 0.0, 30), true_items(10), 30), answers(drawn(300, 1.0, 31), true_items(10), 31)
    two["item_key"] = "r" + two["item_key"]
    frame = pd.concat([one.assign(session_id="s1"), two.assign(session_id="s2")])
    exam_of = {"s1": "algebra", "s2": "biology"}
    with pytest.raises(InvalidInput, match=r"2 sets .* exam algebra \(10 items\), exam biology .* --exam NAME"):
        calibrated(frame, exam_of=exam_of)
    of_one = calibrated(frame, exam_of=exam_of, chosen=Chosen(exams=["biology"]))
    assert all(key.startswith("rq") for key in of_one.made.bank.item_keys)
    with pytest.raises(InvalidInput, match="No answer belongs to the exam chemistry: choose among algebra, biology"):
        calibrated(frame, exam_of=exam_of, chosen=Chosen(exams=["chemistry"]))
    later = calibrated(frame, of_one, exam_of=exam_of)
    why = f"nobody who answered it answered {MIN_ANCHORS} items of the bank in force as well"
    assert {key for key, reason in later.left_out if reason == why} >= {f"q{j:02d}" for j in range(10)}


def test_exams_of_unlike_learners_that_share_items_are_groups_of_their_own():
    items = true_items(30)
    parts = []
    for exam, (mean, first_item) in enumerate(((-1.0, 0), (1.0, 12))):
        frame = answers(drawn(600, mean, 40 + exam), items, 40 + exam)
        number = frame["item_key"].str[1:].astype(int)
        parts.append(frame[(number >= first_item) & (number < first_item + 18)].assign(session_id=f"s{exam}"))
    found = calibrated(pd.concat(parts), exam_of={"s0": "lower", "s1": "upper"})
    assert set(found.fitted.sample.groups) == {"lower", "upper"}
    mean = dict(zip(found.fitted.sample.groups, found.fitted.found.group_mean, strict=True))
    assert (mean["upper"] - mean["lower"]) * found.link.slope == pytest.approx(2 / np.sqrt(2), abs=0.15)
    assert np.corrcoef(found.made.bank.b, items.b)[0, 1] > 0.99
    told = calibrated(pd.concat(parts), chosen=Chosen(group_of={f"40-{u}": "x" for u in range(600)}))
    assert set(told.fitted.sample.groups) == {"x", "no group"}


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


def test_an_item_that_is_another_ones_double_does_not_bend_the_rest():
    """With a = 1 throughout, the clones got a = 18 and went, and the other nine entered with a mean of .65."""
    items = Items(np.ones(10), np.linspace(-1.5, 1.5, 10), np.zeros(10))
    frame = answers(drawn(2_000, 0.0, 53), items, 53)
    clone = frame[frame["item_key"] == "q05"].assign(item_key="q05-copy")
    found = calibrated(pd.concat([frame, clone]))
    assert found.left_out == (("q05-copy", "its answers are those of q05, as if they were one question"),)
    assert found.made.bank.a[found.made.bank.place["q05"]] == pytest.approx(1.0, abs=0.15)
    assert found.made.bank.a.mean() == pytest.approx(1.0, abs=0.1)


def test_too_few_learners_make_no_bank_and_few_are_told():
    """30 learners made a bank without a word."""
    with pytest.raises(InvalidInput, match=r"40 learners are too few .* under the 2PL: it takes 100, and 250"):
        calibrated(answers(drawn(40, 0.0, 54), true_items(10), 54))


def test_two_items_make_no_bank():
    """They came out converged, without standard errors, and in force."""
    with pytest.raises(InvalidInput, match="2 items are too few to calibrate: it takes 3"):
        calibrated(answers(drawn(300, 0.0, 55), true_items(2), 55))


def test_answers_since_the_last_bank_are_told_to_be_missing():
    frame = answers(drawn(300, 0.0, 56), true_items(10), 56)
    with pytest.raises(InvalidInput, match=r"no first attempts after 2025-06-02 00:00.* --since DATE"):
        calibrated(frame, chosen=Chosen(since=NOW))


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
    assert found.made.bank.item_keys == tuple(f"q{j:02d}" for j in range(3, 12))
    assert found.fitted.sample.item_keys == found.made.bank.item_keys


def test_answers_without_an_item_to_calibrate_are_refused():
    few = answers(drawn(20, 0.0, 9), true_items(3), 9)
    with pytest.raises(InvalidInput, match="of 3 items with answers none has enough"):
        calibrated(few)


def test_a_bank_of_which_no_item_is_any_use_is_refused_and_not_saved_empty(monkeypatch):
    monkeypatch.setattr(fitting, "after_calibration", lambda found: _all_out(found.items.a.size))
    with pytest.raises(InvalidInput, match="the others came out useless, such as q00: no use"):
        calibrated(answers(drawn(200, 0.0, 10), true_items(5), 10))


def _all_out(n: int) -> Screening:
    return Screening(np.zeros(n, dtype=bool), tuple((j, "no use") for j in range(n)))


def test_a_calibration_that_does_not_converge_is_an_error_and_no_bank(monkeypatch):
    monkeypatch.setattr(fitting, "MAX_CYCLES", 2)
    with pytest.raises(NotConverged, match="after 2 cycles a parameter still moves"):
        calibrated(answers(drawn(300, 0.0, 11), true_items(6), 11))
