"""Ability over time: what each week's levels, and verdicts on change, are worth where the truth is known.

    OPENBLAS_NUM_THREADS=1 python -m tests.benchmarks.bench_growth [--learners 3000] [--quick]

3,000 learners, 300 items, 8 weeks, 15 new items a week near what is known of the learner. By week, over the learners
who answered in it: bias, root mean square error, mean SE, share of true abilities within +- 1.96 SE ("95 %"), and the
growth of everybody's mean since week 1. "30 days": every week anew from N(0, 1), from the answers of 30 days.
"follows": the filter of `resources.irt.growth`, moved as its `population` estimates, week after week.
The first two scenarios also go through the product: PostgreSQL, frozen answers, the weekly asset's own steps.
Then verdicts on change, and chances of a goal.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from resources.irt.eap import eap
from resources.irt.growth.population import Population, estimate_population
from resources.irt.growth.states import State, filter_step, never_seen
from resources.irt.response_functions import Floats
from resources.irt.response_matrix import ResponseMatrix
from tests.benchmarks import change_table, outlook_table
from tests.benchmarks.growth_product import through_the_product
from tests.benchmarks.growth_simulation import Scenario, Simulated, joined, simulate

STEADY, NONE, JUMP = (0.1,) * 7, (0.0,) * 7, (0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Estimates:
    """Level at each week's end and its SE, of shape (n_weeks, n_learners), in logits; a note for each week."""

    mean: Floats
    sd: Floats
    notes: list[str]


Method = Callable[[Simulated], Estimates]


def thirty_days(given: Simulated) -> Estimates:
    """Four weeks and two days of answers, from N(0, 1)."""
    found, n_weeks = [], len(given.weeks)
    for week in range(n_weeks):
        window = given.weeks[max(0, week - 3) : week + 1]
        if week > 3:
            window = [_two_days(given.weeks[week - 4], seed=week), *window]
        found.append(eap(joined(window), given.items))
    return Estimates(np.array([one.mean for one in found]), np.array([one.sd for one in found]), [""] * n_weeks)


def _two_days(week: ResponseMatrix, seed: int) -> ResponseMatrix:
    kept = np.random.default_rng(seed).random(week.user.size) < 2 / 7
    return ResponseMatrix(week.user[kept], week.item[kept], week.correct[kept], week.n_users, week.n_items)


def follows(given: Simulated) -> Estimates:
    """State by state. This is the one place to put the product's whole path in."""
    n = given.truth.shape[1]
    state, age, population = never_seen(n), np.ones(n), Population()
    states: list[State] = []
    notes = []
    for answers, here in zip(given.weeks, given.active, strict=True):
        population = estimate_population(state, age, answers, given.items, population)
        state, _ = filter_step(state, age, answers, given.items, population.movement)
        age = np.where(here, 1, age + 1)
        states.append(state)
        notes.append(
            f"drift {population.drift:+.3f} ({population.drift_se:.3f}) absence {population.absence_drift:+.3f} "
            f"tau {population.tau:.3f} ({population.innovation.tau_sd:.3f})"
        )
    return Estimates(np.array([one.mean for one in states]), np.array([one.sd for one in states]), notes)


def scenarios() -> list[Scenario]:
    found = []
    for guessing in (0.0, 0.2):
        half = Scenario("growth; half absent every second week", STEADY, every_second_week_off=0.5, guessing=guessing)
        found += [
            Scenario("growth of .10 a week", STEADY, guessing=guessing),
            Scenario("no growth", NONE, spread=0.0, guessing=guessing),
            Scenario("jump of .50 before week 5", JUMP, guessing=guessing),
            half,
            replace(half, name="the same, and the absent grow too", absent_move=True),
            Scenario("growth; 4 answers a week", STEADY, a_week=4, guessing=guessing),
        ]
    return found


def table(given: Simulated, old: Estimates, new: Estimates) -> None:
    model = "3PL" if given.scenario.guessing else "2PL"
    print(f"\n{model}, {given.scenario.name}")
    heads = f"{'bias':>8}{'RMSE':>7}{'SE':>6}{'95 %':>7}{'growth':>8}"
    print(f"week    true |{heads}  30 days |{heads}  follows")
    for week in range(len(given.weeks)):
        here, truth = given.active[week], given.truth
        line = f"{week + 1:4}{(truth[week] - truth[0]).mean():8.3f} |"
        for found in (old, new):
            error, se = (found.mean[week] - truth[week])[here], found.sd[week][here]
            covered = np.mean(np.abs(error) < 1.96 * se)
            growth = (found.mean[week] - found.mean[0]).mean()
            line += f"{error.mean():+8.3f}{np.sqrt(np.mean(error**2)):7.3f}{se.mean():6.3f}{covered:7.3f}{growth:8.3f}"
            line += "          |" if found is old else f"  {found.notes[week]}"
        print(line, flush=True)


def speed(n_learners: int) -> None:
    """Learner-weeks a second from arrays, 15 answers a week; the second week, in which all have a state."""
    given = simulate(Scenario("speed", (0.1,), n_learners=n_learners))
    first = estimate_population(never_seen(n_learners), 1.0, given.weeks[0], given.items, Population())
    state, _ = filter_step(never_seen(n_learners), 1.0, given.weeks[0], given.items, first.movement)
    answers = given.weeks[1]
    population = estimate_population(state, 1.0, answers, given.items, first)
    print(f"\n{n_learners:,} learners x 15 answers:     wall s   CPU s   learner-weeks a second (wall)")
    for name, work in (
        ("a week's steps", lambda: filter_step(state, 1.0, answers, given.items, population.movement)),
        ("the week's population", lambda: estimate_population(state, 1.0, answers, given.items, first)),
        ("EAP from N(0, 1)", lambda: eap(answers, given.items)),
    ):
        best = (np.inf, np.inf)
        for _ in range(3):
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            best = min(best, (time.perf_counter() - wall, time.process_time() - cpu))
        print(f"{name:34}{best[0]:8.2f}{best[1]:8.2f}{n_learners / best[0]:12,.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", type=int, default=3_000)
    parser.add_argument("--quick", action="store_true", help="a fifth of the learners")
    options = parser.parse_args()
    scale = 5 if options.quick else 1
    for scenario in scenarios():
        given = simulate(replace(scenario, n_learners=options.learners // scale))
        filtered = follows(given)
        table(given, thirty_days(given), filtered)
        if scenario in scenarios()[:2]:
            mean, sd, _ = through_the_product(given)
            apart = max(np.abs(mean - filtered.mean).max(), np.abs(sd - filtered.sd).max())
            print(f"through the product: the same levels and SEs to {apart:.1e} logits", flush=True)
    change_table.unchanged(n_users=1_200 // scale)
    change_table.growing(n_users=1_000 // scale)
    change_table.in_a_growing_group(n_users=1_000 // scale)
    outlook_table.reliability(n_learners=1_000 // scale, n_groups=8)
    speed(100_000 // scale)


if __name__ == "__main__":
    main()
