"""Banks from simulated learners: what cannot be calibrated, or not on one scale, is named or refused."""

import numpy as np
import pandas as pd
import pytest

from assets.calibration import fitting
from assets.calibration.sample import Chosen
from resources.errors import InvalidInput, NotConverged
from resources.irt.calibration.linking import MIN_ANCHORS
from resources.irt.calibration.screening import Screening
from resources.irt.response_functions import Items
from tests.unit.assets.simulated_banks import NOW, answers, calibrated, drawn, true_items


def test_an_items_topic_is_the_one_it_was_answered_under_most() -> None:
    frame = answers(drawn(300, 0, 1), true_items(12), 1)
    key, nth = frame["item_key"], frame.groupby("item_key").cumcount()
    frame.loc[(key == "q03") & (nth < 200), "topic_id"] = "B"
    frame.loc[(key == "q04") & (nth < 150), "topic_id"] = "Z"
    frame.loc[key == "q05", "topic_id"] = None
    topics = calibrated(frame).made.bank.topics
    assert (topics["q02"], topics["q03"], topics["q04"]) == ("A", "B", "A")
    assert "q05" not in topics


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
