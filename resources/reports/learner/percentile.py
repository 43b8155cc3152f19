"""Where a level stands among everybody who was measured lately."""

import numpy as np

from resources.irt.growth.change import CRITICAL_Z
from resources.model import Floats
from resources.reports.learner.report_input import Standing

MIN_LEARNERS = 20  # with fewer, one learner more or less moves everybody by more than five percentiles


def standing(thetas: Floats, theta: float, se: float) -> Standing | None:
    """Mid-rank percentiles of `theta` and of the ends of its 95 % interval among `thetas`, which ascend.

    Between 1 and 99: nobody is known to stand below or above all others. None below MIN_LEARNERS.

    Rounded, so that a learner more among thousands leaves the others' reports as they are: percentiles to whole
    numbers, the number of learners down to two digits.
    """
    if thetas.size < MIN_LEARNERS:
        return None
    at = theta + CRITICAL_Z * se * np.array([-1, 0, 1])
    # Share below plus half the share equal, in percent. Equal to 1e-9 logits: the last bits come from the batch.
    below, not_above = np.searchsorted(thetas, at - 1e-9), np.searchsorted(thetas, at + 1e-9)
    low, middle, high = (min(max(round(50 * n / thetas.size), 1), 99) for n in (below + not_above).tolist())
    return Standing(middle, low, high, _two_digits(thetas.size))


def _two_digits(n: int) -> int:
    unit: int = 10 ** max(len(str(n)) - 2, 0)
    return n // unit * unit
