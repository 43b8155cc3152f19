import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from resources.irt.growth.change import Change, change, over_last, since_start
from resources.irt.point_estimates import wle
from resources.irt.response_functions import Floats, Items, probability
from resources.irt.response_matrix import ResponseMatrix
from tests.benchmarks.change_simulation import two_times

BANK = 400


def bank(guessing: float = 0.0) -> Items:
    rng = np.random.default_rng(1)
    return Items(rng.lognormal(0, 0.3, BANK), rng.normal(0, 1.2, BANK), np.full(BANK, guessing))


def weekly(theta_by_week: list[float], a_week: int, n_users: int, seed: int) -> tuple[ResponseMatrix, Floats]:
    """Items near the learner's ability, all different; and how many weeks ago each was answered."""
    rng, items, n_weeks = np.random.default_rng(seed), bank(), len(theta_by_week)
    key = -0.5 * ((items.b - np.mean(theta_by_week)) / 0.7) ** 2 + rng.gumbel(size=(n_users, BANK))
    item = rng.permuted(np.argsort(-key, axis=1)[:, : a_week * n_weeks], axis=1)
    p = probability(items, np.array(theta_by_week))
    right = rng.random(item.shape) < p[item, np.repeat(np.arange(n_weeks), a_week)]
    ago = np.tile(np.repeat(np.arange(n_weeks)[::-1], a_week), n_users).astype(float)
    user = np.repeat(np.arange(n_users), a_week * n_weeks)
    return ResponseMatrix(user, item.ravel(), right.ravel().astype(int), n_users, BANK), ago


def change_where(answers: ResponseMatrix, position: Floats) -> Change:
    """By the answers that have a position."""
    used = np.isfinite(position)
    some = ResponseMatrix(answers.user[used], answers.item[used], answers.correct[used], answers.n_users, BANK)
    return change(some, position[used], bank())


def share(found: Change, word: str) -> float:
    return float(np.mean(found.verdict == word))


@pytest.mark.parametrize("guessing", [0.0, 0.2])
@pytest.mark.parametrize("theta", [-2.0, 0.0, 3.0])
@pytest.mark.parametrize(("before", "now"), [(100, 5), (100, 20), (20, 20), (1, 100)])
def test_an_unchanged_learner_is_told_so(theta: float, before: int, now: int, guessing: float) -> None:
    items = bank(guessing)
    answers, position = two_times(items, theta, theta, before, now, n_users=1_500, seed=before + now)
    found = change(answers, position, items)
    # 3 % and three standard errors of the simulation
    assert share(found, "up") < 0.03 + 3 * np.sqrt(0.03 * 0.97 / 1_500)
    assert share(found, "down") < 0.03 + 3 * np.sqrt(0.03 * 0.97 / 1_500)


@pytest.mark.parametrize("theta", [-1.0, 2.5])
def test_nor_do_lines_over_weeks_speak_of_an_unchanged_learner(theta: float) -> None:
    answers, ago = weekly([theta] * 12, 10, 1_500, seed=2)
    for position in (over_last(ago), since_start(ago, 11.0)):
        found = change_where(answers, position)
        assert share(found, "up") < 0.03 + 3 * np.sqrt(0.03 * 0.97 / 1_500)
        assert share(found, "down") < 0.03 + 3 * np.sqrt(0.03 * 0.97 / 1_500)


def test_both_tails_have_their_share_where_few_answers_follow_many_at_the_banks_edge() -> None:
    items = bank(0.2)
    hard = np.argsort(-np.abs(items.b - 2.0))[-150:]
    edge = items.at(hard)
    answers, position = two_times(edge, 2.0, 2.0, 100, 20, n_users=6_000, seed=11)
    found = change(answers, position, edge)
    # without the correction for skewness 1.7 % up and 3 % down
    assert share(found, "up") > 0.019
    assert share(found, "down") < 0.03


def test_a_real_gain_is_seen_and_its_size_is_right() -> None:
    items = bank()
    answers, position = two_times(items, 0.0, 1.0, 60, 60, n_users=2_000, seed=3)
    found = change(answers, position, items)
    assert share(found, "up") > 0.6  # SE .41
    assert found.change.mean() == pytest.approx(1.0, abs=0.05)
    assert found.change.std() == pytest.approx(found.se.mean(), rel=0.1)


def test_25_points_a_week_are_clearly_up_after_four_weeks_in_most_cases() -> None:
    level_then_growth = [0.0] * 5 + [0.25, 0.5, 0.75, 1.0]
    growth_all_along = [0.25 * week for week in range(8)]
    for path, required in ((level_then_growth, 0.6), (growth_all_along, 0.85)):
        answers, ago = weekly(path, 20, 1_500, seed=4)
        found = change_where(answers, over_last(ago))
        assert share(found, "up") > required


@pytest.mark.parametrize(("path", "gained"), [(np.linspace(0, 1, 12), 7 / 11), ([0.0] * 6 + [1.0] * 6, 1.0)])
def test_a_change_since_the_start_is_that_of_the_mean_of_four_weeks(path: list[float], gained: float) -> None:
    answers, ago = weekly(list(path), 20, 1_500, seed=5)  # of whole weeks, five lie within four
    found = change_where(answers, since_start(ago, 11.0))
    assert found.change.mean() == pytest.approx(gained, abs=0.05)
    assert np.mean(np.abs(found.change - gained) < 1.96 * found.se) == pytest.approx(0.95, abs=0.02)


def test_all_right_never_speaks_for_a_loss() -> None:
    # 100 answers of a learner of theta 3.2, then all right, was "down, clearly" with differences of posterior means.
    items = bank()
    answers, position = two_times(items, 3.2, 3.2, 100, 40, n_users=500, seed=5)
    all_right = ResponseMatrix(
        answers.user, answers.item, np.where(position == 1, 1, answers.correct), answers.n_users, answers.n_items
    )
    found = change(all_right, position, items)
    assert share(found, "down") == 0
    assert np.all(found.change > 0)


def test_two_times_have_the_error_of_two_independent_estimates() -> None:
    items = bank()
    answers, position = two_times(items, 0.0, 0.0, 30, 50, n_users=200, seed=6)
    found = change(answers, position, items)
    assert_allclose(found.se, np.sqrt(1 / found.information_before + 1 / found.information_now), rtol=1e-9)
    sides = [position == 0, position == 1]
    levels = [
        wle(ResponseMatrix(answers.user[at], answers.item[at], answers.correct[at], 200, BANK), items).theta
        for at in sides
    ]
    assert_allclose(found.change, levels[1] - levels[0], atol=0.25)


def test_the_mirror_image_of_time_turns_the_sign() -> None:
    items = bank()
    answers, position = two_times(items, 0.0, 1.0, 30, 50, n_users=200, seed=7)
    forth, back = change(answers, position, items), change(answers, 1 - position, items)
    assert_allclose(back.change, -forth.change, atol=1e-9)
    assert_array_equal(back.verdict == "down", forth.verdict == "up")


def test_below_the_least_information_there_is_no_verdict() -> None:
    items = Items(np.ones(40), np.zeros(40), np.zeros(40))  # .25 each at theta 0: eight on a side are just enough
    right = np.tile([0, 1], 20)
    for n, expected in ((8, "not enough to tell"), (6, None)):
        position = (np.arange(40) >= 40 - n).astype(float)
        found = change(ResponseMatrix(np.zeros(40, dtype=int), np.arange(40), right, 1, 40), position, items)
        assert found.verdict[0] == expected
        assert np.isfinite(found.change[0])


def test_answers_of_one_time_or_none_say_nothing() -> None:
    items = bank()
    answers, _ = two_times(items, 0.0, 0.0, 30, 30, n_users=1, seed=8)
    with_another = ResponseMatrix(answers.user, answers.item, answers.correct, 2, BANK)
    found = change(with_another, np.full(60, 0.5), items)
    assert np.isnan(found.change).all()
    assert list(found.verdict) == [None, None]


def test_positions_are_those_of_the_docstrings() -> None:
    ago = np.array([0.0, 1.0, 4.0, 8.0, 8.5])
    assert_allclose(over_last(ago), [1, 0.75, 0, 0, np.nan])
    assert_allclose(since_start(ago, 8.5), [1, 1, 1, 0, 0])
    assert_allclose(since_start(np.array([4.5, 6.0]), np.array([8.5, 12.0])), [0, np.nan])


@pytest.mark.parametrize("position", [np.zeros(3), np.full(60, 1.1), np.full(60, np.nan)])
def test_positions_that_are_none_are_refused(position: Floats) -> None:
    items = bank()
    answers, _ = two_times(items, 0.0, 0.0, 30, 30, n_users=1, seed=9)
    with pytest.raises(ValueError, match=r"[Pp]ositions"):
        change(answers, position, items)
