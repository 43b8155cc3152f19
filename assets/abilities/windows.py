"""The answers that the look-back of each chosen week reaches, some learners at a time.

What a run holds in memory does not grow with its learners, as long as no single user key stands for more than that.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from assets.abilities.scoring import ScoringRules
from assets.selection import SelectedUsers, Selection, in_batches
from resources.answers.answers import Answers
from resources.model import Week
from resources.warehouse.folder import Warehouse

LEARNERS_AT_ONCE = 2_000  # their answers of a month take some 60 MB; more at once is no faster


@dataclass(frozen=True)
class Window:
    """`answers` are those of all learners behind the keys, `learners` those whom the run is to make, sorted."""

    week: Week
    learners: list[str]
    answers: Answers


def windows(chosen: Selection, users: SelectedUsers, rules: ScoringRules, warehouse: Warehouse) -> Iterator[Window]:
    """The chosen weeks in order, for some learners after the others; a file is read once, not once per window."""
    learners_of = {key: users.by_key.get(key, ()) for key in chosen.user_keys}
    for batch in in_batches(learners_of, LEARNERS_AT_ONCE):
        part = chosen.only(batch)
        kept: dict[Week, tuple[list[str], pa.Table]] = {}
        for week, keys in part.keys.items():
            reached = rules.weeks(week)
            kept = {w: kept[w] for w in reached if w in kept and kept[w][0] == list(keys)}
            for earlier in reached:
                if earlier not in kept:
                    kept[earlier] = (list(keys), warehouse.read([earlier], keys))
            answers = Answers.from_table(pa.concat_tables([kept[w][1] for w in reached]))
            yield Window(week, users.asked(keys), answers)
