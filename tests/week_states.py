"""Estimates as a week's states, for tests of what comes of them."""

import numpy as np

from resources.database.queries.estimates.abilities import WeekStates
from resources.model import Thetas


def first_states(thetas: Thetas) -> WeekStates:
    """As of learners without an earlier state, from N(0, 1)."""
    n = len(thetas.user_ids)
    return WeekStates(thetas, np.zeros(n), np.ones(n), np.zeros(n, np.int64), [""] * n)
