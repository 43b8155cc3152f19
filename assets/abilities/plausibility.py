"""Whether a stored estimate can be a learner's: one that cannot is kept from reports, and is named by a check."""

import numpy as np
from numpy.typing import NDArray

from resources.model import Floats

# Beyond this many SDs of the population an estimate speaks of the items, not of the learner.
PLAUSIBLE_LOGITS = 8.0


def plausible(theta: Floats, se: Floats) -> NDArray[np.bool_]:
    """Whether theta lies within ±PLAUSIBLE_LOGITS and the standard error is finite and above 0, each of shape (n,).

    >>> plausible(np.array([1.5, 20.0, np.nan, 0.0]), np.array([0.4, 0.4, 0.4, 0.0])).tolist()
    [True, False, False, False]
    """
    return (np.abs(theta) <= PLAUSIBLE_LOGITS) & (se > 0) & np.isfinite(se)
