"""How often verdicts on change are wrong for an unchanged learner, and how soon they see a gain."""

import numpy as np
from numpy.typing import NDArray

from resources.irt.eap import eap
from resources.irt.growth.change import CRITICAL_Z, change, over_last, since_start
from resources.irt.growth.population import Population, estimate_population
from resources.irt.growth.smoothing import smooth
from resources.irt.growth.states import filter_step, never_seen
from resources.irt.point_estimates import wle
from resources.irt.response_functions import Floats, Items
from resources.irt.response_matrix import ResponseMatrix
from tests.benchmarks.change_simulation import two_times
from tests.benchmarks.growth_simulation import Scenario, Simulated, joined, simulate

THETAS = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
COUNTS = (1, 5, 10, 20, 50, 100)
WEEKLY_GAIN, A_WEEK = 0.25, 20


def bank(guessing: float) -> Items:
    rng = np.random.default_rng(1)
    return Items(rng.lognormal(0, 0.3, 400), rng.normal(0, 1.2, 400), np.full(400, guessing))


def unchanged(n_users: int) -> None:
    """Per cent told "up" / "down" of learners who did not change, for every number of answers before and after."""
    noise = 100 * np.sqrt(0.025 * 0.975 / n_users)
    print(f"\nUnchanged learners told 'up' / 'down', per cent; 2.5 is nominal, simulation error +- {noise:.1f}")
    for guessing in (0.0, 0.2):
        items, shares = bank(guessing), {}
        for theta in THETAS:
            for before in COUNTS:
                for now in COUNTS:
                    shares[theta, before, now] = _told(items, theta, before, now, n_users)
        print(f"{'3PL' if guessing else '2PL'}: by theta and number of answers before, the largest over numbers after")
        print("theta" + "".join(f"{before:>12}" for before in COUNTS))
        for theta in THETAS:
            cells = (np.max([shares[theta, before, now][0] for now in COUNTS], axis=0) for before in COUNTS)
            print(f"{theta:5.0f}" + "".join(f"{up:7.1f}/{down:4.1f}" for up, down in cells), flush=True)
        for at, name in enumerate(("score test (used)", "two WLEs", "two posterior means")):
            every = np.array([of[at] for of in shares.values()])
            above = 100 * np.mean(every > 3)
            print(f"  {name:22} largest of {every.size} rates {every.max():5.1f}; above 3 %: {above:4.1f} %")


def _told(items: Items, theta: float, before: int, now: int, n_users: int) -> list[tuple[float, float]]:
    """Up and down in per cent: by the score test, by two WLEs of information 2 and more, by two posterior means."""
    answers, position = two_times(items, theta, theta, before, now, n_users=n_users, seed=1_000 * before + now)
    verdict = change(answers, position, items).verdict
    sides = [
        ResponseMatrix(answers.user[at], answers.item[at], answers.correct[at], n_users, answers.n_items)
        for at in (position == 0, position == 1)
    ]
    free, shrunk = [wle(side, items) for side in sides], [eap(side, items) for side in sides]
    z_free = (free[1].theta - free[0].theta) / np.hypot(free[0].se, free[1].se)
    z_free[np.minimum(free[0].information, free[1].information) < 2] = 0
    z_shrunk = (shrunk[1].mean - shrunk[0].mean) / np.hypot(shrunk[0].sd, shrunk[1].sd)
    return [(_percent(verdict == "up"), _percent(verdict == "down"))] + [
        (_percent(z > CRITICAL_Z), _percent(z < -CRITICAL_Z)) for z in (z_free, z_shrunk)
    ]


def growing(n_users: int) -> None:
    """Per cent told "clearly up", for a gain of 25 points a week from 20 answers a week."""
    print(
        f"\nClearly up, per cent: {100 * WEEKLY_GAIN:.0f} points a week, {A_WEEK} answers a week, {n_users:,} learners"
    )
    print(f"{'':44}{'last four weeks':>18}{'4 wk : 4 wk':>14}{'two halves':>14}{'since start':>14}")
    for guessing in (0.0, 0.2):
        for flat, weeks in ((0, 5), (0, 6), (0, 7), (0, 8), (4, 8), (4, 9), (8, 13)):
            steps = tuple(0.0 if week < flat else WEEKLY_GAIN for week in range(weeks - 1))
            scenario = Scenario("", steps, 0.0, guessing=guessing, n_learners=n_users, n_items=600, a_week=A_WEEK)
            given = simulate(scenario, seed=weeks)
            answers, ago = _with_age(given)
            gains = weeks - 1 - flat
            history = f"{gains} weekly gains, after {flat + 1} weeks without" if flat else f"{gains} weekly gains"
            halves = np.where(ago < weeks // 2, 1.0, np.where(ago >= weeks - weeks // 2, 0.0, np.nan))
            blocks = np.where(ago < 4, 1.0, np.where(ago < 8, 0.0, np.nan))
            line = f"{'3PL' if guessing else '2PL'}  {history:39}"
            for position in (over_last(ago), blocks, halves, since_start(ago, weeks - 1.0)):
                line += f"{_percent(_verdict(answers, position, given.items) == 'up'):14.0f}"
            print(line if weeks > 8 else line[:-1] + "-", flush=True)


def in_a_growing_group(n_users: int) -> None:
    """Of learners who do not change while all others gain: verdicts by own answers, and by the smoothed path."""
    given = simulate(Scenario("", (WEEKLY_GAIN,) * 7, 0.0, n_learners=n_users, n_items=600, a_week=A_WEEK), seed=1)
    still = simulate(Scenario("", (0.0,) * 7, 0.0, n_learners=n_users, n_items=600, a_week=A_WEEK), seed=1)
    population, group = Population(), never_seen(n_users)
    state, states, priors = never_seen(n_users), [], []
    for theirs, own in zip(given.weeks, still.weeks, strict=True):
        population = estimate_population(group, 1.0, theirs, given.items, population)
        group, _ = filter_step(group, 1.0, theirs, given.items, population.movement)
        state, prior = filter_step(state, 1.0, own, still.items, population.movement)
        states.append(state)
        priors.append(prior)
    path = smooth(*(np.array([getattr(one, name) for one in of]) for of in (states, priors) for name in ("mean", "sd")))
    difference, se = path.change_since(3)
    answers, ago = _with_age(still)
    verdict = _verdict(answers, over_last(ago), still.items)
    print(
        f"\nUnchanged in a group that gains 25 a week, told 'up' / 'down', per cent: own answers "
        f"{_percent(verdict == 'up'):.1f} / {_percent(verdict == 'down'):.1f}, smoothed path "
        f"{_percent(difference > 1.96 * se):.1f} / {_percent(difference < -1.96 * se):.1f}"
    )


def _with_age(given: Simulated) -> tuple[ResponseMatrix, Floats]:
    ages = np.arange(len(given.weeks))[::-1].astype(float)
    return joined(given.weeks), np.repeat(ages, [week.user.size for week in given.weeks])


def _verdict(answers: ResponseMatrix, position: Floats, items: Items) -> NDArray[np.object_]:
    used = np.isfinite(position)
    some = ResponseMatrix(
        answers.user[used], answers.item[used], answers.correct[used], answers.n_users, answers.n_items
    )
    return change(some, position[used], items).verdict


def _percent(of: NDArray[np.bool_]) -> float:
    return float(100 * np.mean(of))
