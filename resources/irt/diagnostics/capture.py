"""Two clones among few items become the ability itself: what to look for dependence with is made here."""

from collections.abc import Callable

import numpy as np

from resources.irt.response_functions import Items

# Of slopes spread log-normally by .3, as in most banks, 1 in 8,000 is that far above the median.
STEEP = 3.0


def without_capture(items: Items, refit: Callable[[Items], Items]) -> Items:
    """The bank itself, or, where several slopes are beyond STEEP times the median, one refitted with those at it.

    Where two of ten items are all but the same, the likelihood is highest with their slopes beyond all others: ability
    then means that pair, and explains it. No residual shows it. With these slopes held ability is again what all items
    have in common. `refit(known)` calibrates the same answers by the same model with `known` in place (NaN: free).
    """
    middle = float(np.median(items.a))
    steep = items.a > STEEP * middle
    if steep.sum() < 2 or middle <= 0:
        return items
    free = np.full(items.a.size, np.nan)
    return refit(Items(np.where(steep, middle, free), free, free))
