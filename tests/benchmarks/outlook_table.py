"""How often chances of reaching a level come true where the truth is known, and coverage of the level then.

Every learner's goal lies -.3 to .9 logits from the level that the last known week tells, some weeks ahead: a goal that
was set by the true level would tell of it. The group's step of each week is drawn anew, so the weeks ahead are not
those behind.
"""

from dataclasses import dataclass

import numpy as np

from resources.irt.growth.outlook import Outlook
from resources.irt.growth.population import Population, estimate_population
from resources.irt.growth.states import filter_step, never_seen
from resources.irt.response_functions import Floats
from tests.benchmarks.growth_simulation import Scenario, Simulated, simulate

KNOWN = 9  # weeks; the first has no step
BINS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)


@dataclass(frozen=True)
class Foretold:
    """Of each learner: the chance, whether it came true, and how far the true level then lies from the mean in SDs."""

    chance: Floats
    reached: Floats
    off: Floats

    def reliability(self) -> list[tuple[int, float, float]]:
        """Of each bin of chances: how many, their mean, and the share that came true."""
        place = np.clip(np.searchsorted(BINS, self.chance, side="right") - 1, 0, len(BINS) - 2)
        return [
            (int(of.sum()), float(self.chance[of].mean()), float(self.reached[of].mean()))
            for of in (place == i for i in range(len(BINS) - 1))
            if of.any()
        ]

    @property
    def coverage(self) -> float:
        return float(np.mean(np.abs(self.off) < 1.96))


def foretold(mean_step: float, step_sd: float, ahead: int, n_learners: int, spread: float, seed: int) -> Foretold:
    """In `ahead` weeks, of a group that moves by N(`mean_step`, `step_sd`^2) a week."""
    steps = np.random.default_rng(seed).normal(mean_step, step_sd, KNOWN - 1 + ahead)
    given = simulate(Scenario("", tuple(steps), spread=spread, n_learners=n_learners), seed)
    mean, sd, (drifts, errors, tau) = _known(given)
    then = given.truth[KNOWN - 1 + ahead]
    goals = mean + np.random.default_rng(seed + 1).uniform(-0.3, 0.9, n_learners)
    states = zip(mean.tolist(), sd.tolist(), strict=True)
    outlooks = [Outlook(level, se, float(ahead), drifts, errors, tau) for level, se in states]
    return Foretold(
        np.array([one.chance(goal).chance for one, goal in zip(outlooks, goals.tolist(), strict=True)]),
        (then >= goals).astype(float),
        np.array([(true - one.mean_then) / one.sd_then for one, true in zip(outlooks, then.tolist(), strict=True)]),
    )


def _known(given: Simulated) -> tuple[Floats, Floats, tuple[list[float], list[float], float]]:
    """States at the end of the KNOWN weeks, and how the group moved, as the filter finds them."""
    state, population = never_seen(given.scenario.n_learners), Population()
    found: list[Population] = []
    for answers in given.weeks[:KNOWN]:
        population = estimate_population(state, 1.0, answers, given.items, population)
        state, _ = filter_step(state, 1.0, answers, given.items, population.movement)
        found += [population] if population.enough else []
    return state.mean, state.sd, ([of.drift for of in found], [of.drift_se for of in found], population.tau)


def reliability(n_learners: int, n_groups: int) -> None:
    """Over several groups each, since all learners of one share its weeks."""
    print("\nChances of a goal: said and come true, by said chance; coverage of the level's 95 % interval then")
    for name, mean_step, step_sd, spread in (
        ("steady growth of .08", 0.08, 0.0, 0.05), ("weeks that differ by .05", 0.08, 0.05, 0.05),
        ("no growth", 0.0, 0.0, 0.0), ("learners who differ much", 0.08, 0.02, 0.15),
    ):  # fmt: skip
        for ahead in (3, 8):
            groups = [foretold(mean_step, step_sd, ahead, n_learners, spread, 100 + seed) for seed in range(n_groups)]
            all_of = Foretold(*(np.concatenate([getattr(of, part) for of in groups]) for part in
                                ("chance", "reached", "off")))  # fmt: skip
            bins = "  ".join(f"{said:.2f}:{true:.2f} ({n})" for n, said, true in all_of.reliability())
            print(f"{name:26}{ahead:2} weeks ahead   {bins}   coverage {all_of.coverage:.3f}", flush=True)
