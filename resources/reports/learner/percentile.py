"""Where a level stands among everybody who was measured lately."""

from collections.abc import Sequence

import numpy as np

from resources.irt.growth.change import CRITICAL_Z
from resources.model import Floats
from resources.reports.learner.report_input import Standing

MIN_LEARNERS = 20  # with fewer, one learner more or less moves everybody by more than five percentiles


def standings(thetas: Floats, theta: Floats, se: Floats) -> Sequence[Standing | None]:
    """Of each `theta`, of shape (n,): mid-rank percentiles of it and of the ends of its 95 % interval among `thetas`,
    which ascend.

    Between 1 and 99: nobody is known to stand below or above all others. None below MIN_LEARNERS.

    Rounded, so that a learner more among thousands leaves the others' reports as they are: percentiles to whole
    numbers, the number of learners down to two digits.
    """
    if thetas.size < MIN_LEARNERS:
        return [None] * theta.size
    at = theta[:, None] + CRITICAL_Z * se[:, None] * np.array([-1, 0, 1])
    # Share below plus half the share equal, in percent. Equal to 1e-9 logits: the last bits come from the batch.
    below, not_above = np.searchsorted(thetas, at - 1e-9), np.searchsorted(thetas, at + 1e-9)
    percentiles = np.clip(np.rint(50 * (below + not_above) / thetas.size), 1, 99).astype(int).tolist()
    learners = _two_digits(thetas.size)
    return [Standing(middle, low, high, learners) for low, middle, high in percentiles]


def _two_digits(n: int) -> int:
    unit: int = 10 ** max(len(str(n)) - 2, 0)
    return n // unit * unit
