"""The answers that the look-back of each chosen week reaches."""

from collections.abc import Iterator

import pandas as pd

from assets.partitions import Selection
from assets.scoring import ScoringRules
from resources.model import Week
from resources.warehouse.folder import Warehouse


def windows(chosen: Selection, rules: ScoringRules, warehouse: Warehouse) -> Iterator[tuple[Week, pd.DataFrame]]:
    """Each chosen week with the answers that its look-back reaches; a file is read once, not once per window."""
    kept: dict[Week, tuple[list[str], pd.DataFrame]] = {}
    for week, keys in chosen.keys.items():
        reached = rules.weeks(week)
        kept = {w: kept[w] for w in reached if w in kept and kept[w][0] == list(keys)}
        for earlier in reached:
            if earlier not in kept:
                kept[earlier] = (list(keys), warehouse.read([earlier], keys))
        yield week, pd.concat([kept[w][1] for w in reached], ignore_index=True)
