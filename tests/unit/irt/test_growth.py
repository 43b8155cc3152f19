import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from resources.irt.eap import eap
from resources.irt.growth.smoothing import smooth
from resources.irt.growth.states import Movement, State, filter_step, never_seen, predicted
from resources.irt.response_functions import Floats, Items
from resources.irt.response_matrix import ResponseMatrix
from tests.benchmarks.growth_simulation import Scenario, joined, simulate
from tests.unit.irt.dense_filter import dense_path


def rms(value: Floats) -> float:
    return float(np.sqrt(np.mean(value**2)))


@pytest.mark.parametrize(
    ("guessing", "mean_rms", "sd_rms", "mean_max"), [(0.0, 0.015, 0.03, 0.1), (0.2, 0.04, 0.07, 0.4)]
)
def test_normal_steps_are_close_to_steps_of_whole_densities(
    guessing: float, mean_rms: float, sd_rms: float, mean_max: float
) -> None:
    given = simulate(Scenario("growth", (0.1,) * 7, guessing=guessing, n_learners=80), seed=3)
    movement = Movement(0.1, 0.0, 0.05, -0.3, 1.0)
    state, states, priors = never_seen(80), [], []
    for answers in given.weeks:
        state, prior = filter_step(state, 1.0, answers, given.items, movement)
        states.append(state)
        priors.append(prior)
    mean, sd = np.array([s.mean for s in states]), np.array([s.sd for s in states])
    exact = dense_path(given.weeks, given.items, [movement] * 8)
    # the errors that the docstring of `growth` tells, with a half more for 80 learners instead of 400
    for week in (1, 3, 7):
        assert rms(mean[week] - exact.mean[week]) < mean_rms
        assert rms(sd[week] / exact.sd[week] - 1) < sd_rms
        assert np.abs(mean[week] - exact.mean[week]).max() < mean_max
    assert_allclose(mean[0], exact.mean[0], atol=1e-4)  # the first step has a normal prior: nothing is approximate
    smoothed = smooth(mean, sd, np.array([s.mean for s in priors]), np.array([s.sd for s in priors]))
    assert rms(smoothed.mean[1] - exact.smoothed_mean[1]) < mean_rms
    assert rms(smoothed.sd[1] / exact.smoothed_sd[1] - 1) < sd_rms


def test_without_movement_it_is_the_classic_model() -> None:
    given = simulate(Scenario("none", (0.0,) * 3, 0.0, n_learners=300), seed=4)
    state = never_seen(300)
    for answers in given.weeks:
        state, _ = filter_step(state, 1.0, answers, given.items, Movement())
    at_once = eap(joined(given.weeks), given.items)
    assert rms(state.mean - at_once.mean) < 0.02
    assert rms(state.sd / at_once.sd - 1) < 0.04


def test_the_prior_follows_drift_and_widens_with_time() -> None:
    state = State(np.array([0.5, 0.5, 0.5, 0.5, np.nan]), np.array([0.3, 0.3, 0.3, 0.3, np.nan]))
    movement = Movement(drift=0.2, absence_drift=0.05, tau=0.1, newcomers_mean=-0.4, newcomers_sd=0.9)
    got = predicted(state, np.array([1.0, 0.5, 3.0, 60.0, np.nan]), movement)
    # a week; half a week; two weeks absent; a year absent, of which eight weeks count for absence_drift; new
    assert_allclose(got.mean, [0.7, 0.6, 0.5 + 0.2 + 2 * 0.05, 0.5 + 0.2 + 8 * 0.05, -0.4])
    assert_allclose(got.sd[:4], np.sqrt(0.09 + 0.01 * np.array([1, 0.5, 3, 60])))
    assert got.sd[4] == 0.9


def test_a_step_without_answers_leaves_the_state_as_it_is() -> None:
    state, movement = State(np.array([0.3]), np.array([0.4])), Movement(0.2, 0.05, 0.1)
    nothing = np.zeros(0, dtype=int)
    kept, _ = filter_step(
        state, 0.5, ResponseMatrix(nothing, nothing, nothing, 1, 1), Items(*np.ones((3, 1)) * 0.1), movement
    )
    assert_array_equal(kept.mean, state.mean)
    assert_array_equal(kept.sd, state.sd)


def test_who_does_not_answer_is_not_moved_by_those_who_do() -> None:
    given = simulate(Scenario("absent", (0.3,) * 2, every_second_week_off=0.5, n_learners=200), seed=5)
    movement = Movement(0.3, 0.0, 0.05, -0.3, 1.0)
    first, _ = filter_step(never_seen(200), 1.0, given.weeks[0], given.items, movement)
    second, _ = filter_step(first, 1.0, given.weeks[1], given.items, movement)
    away = ~given.active[1]
    assert away.any()
    assert_array_equal(second.mean[away], first.mean[away])
    assert np.all(second.mean[~away] != first.mean[~away])


def test_a_step_does_not_depend_on_who_else_takes_one() -> None:
    given = simulate(Scenario("growth", (0.1,), n_learners=50), seed=6)
    answers, state = given.weeks[1], State(np.linspace(-2, 2, 50), np.linspace(0.2, 0.6, 50))
    together, _ = filter_step(state, 1.0, answers, given.items, Movement(0.1, 0.0, 0.05))
    own = answers.user == 7
    one = ResponseMatrix(np.zeros(own.sum(), dtype=int), answers.item[own], answers.correct[own], 1, answers.n_items)
    alone, _ = filter_step(State(state.mean[7:8], state.sd[7:8]), 1.0, one, given.items, Movement(0.1, 0.0, 0.05))
    assert_allclose([alone.mean[0], alone.sd[0]], [together.mean[7], together.sd[7]], rtol=1e-10)


def test_time_that_runs_backwards_is_refused() -> None:
    nothing = np.zeros(0, dtype=int)
    answers, items = ResponseMatrix(nothing, nothing, nothing, 1, 1), Items(*np.ones((3, 1)) * 0.1)
    for weeks in (-0.1, np.nan):
        with pytest.raises(ValueError, match="after the answers"):
            filter_step(State(np.zeros(1), np.ones(1)), weeks, answers, items, Movement())
