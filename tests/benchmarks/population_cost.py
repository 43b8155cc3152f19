"""What the group's step of a week costs one process: seconds and bytes for each learner, over learners made up.

It is the one part of a week that needs everybody at once (`assets/abilities/group.py`).
"""

import resource
import time

import numpy as np

from resources.irt.growth.population import Population, estimate_population
from resources.irt.growth.states import State
from resources.irt.response_functions import Items
from resources.irt.response_matrix import ResponseMatrix

_ITEMS, _ANSWERS = 500, 15


def population_cost(learners: int) -> tuple[float, float]:
    """Seconds for each learner, and bytes that this process grew by; for a process of its own."""
    rng = np.random.default_rng(learners)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answers = ResponseMatrix(
        np.repeat(np.arange(learners), _ANSWERS), rng.integers(0, _ITEMS, learners * _ANSWERS),
        (rng.random(learners * _ANSWERS) < 0.6).astype(np.int64), learners, _ITEMS,
    )  # fmt: skip
    items = Items(a=rng.lognormal(0, 0.3, _ITEMS), b=rng.normal(0, 1, _ITEMS), c=np.zeros(_ITEMS))
    state = State(rng.normal(size=learners), np.full(learners, 0.4))
    begun = time.perf_counter()
    estimate_population(state, 1.0, answers, items, Population())
    took = time.perf_counter() - begun
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return took / learners, 1024 * grown_kb / learners
