"""The answers that the reports of each chosen week look at, some learners at a time.

What a run holds in memory does not grow with its learners, as long as no single user key stands for more than that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from assets.abilities.counted_answers import CountedAnswers
from assets.abilities.first_weeks import FirstWeeks
from assets.abilities.scoring import ScoringRules
from assets.selection import SelectedUsers, Selection, in_batches
from resources import calendar
from resources.answers.answers import Answers
from resources.model import Week
from resources.warehouse.warehouse import Warehouse

LEARNERS_AT_ONCE = 2_000  # their answers of two months take some 120 MB; more at once is no faster
WEEKS = 9  # a change over the last four weeks is compared with the four before, and a week may begin in the middle


@dataclass(frozen=True)
class Window:
    """`answers` of the last WEEKS are those of all learners behind the keys; `counted` are those of them that count for
    ability, and those of each learner's first weeks; `learners` are those whom the run is to make, sorted."""

    week: Week
    keys: Sequence[str]
    learners: list[str]
    answers: Answers
    counted: Answers


def windows(
    chosen: Selection, users: SelectedUsers, rules: ScoringRules, first_week: Week, warehouse: Warehouse
) -> Iterator[Window]:
    """The chosen weeks in order, for some learners after the others; a file is read once, not once per window."""
    learners_of = {key: users.by_key.get(key, ()) for key in chosen.user_keys}
    counting = CountedAnswers(warehouse, first_week, rules.attempts, rules.omitted, rules.anew_weeks)
    first_weeks = FirstWeeks(warehouse, first_week, rules.omitted)
    for batch in in_batches(learners_of, LEARNERS_AT_ONCE):
        part = chosen.only(batch)
        kept: dict[Week, tuple[list[str], pa.Table]] = {}
        for week, keys in part.keys.items():
            reached = list(max(first_week, week.plus(1 - WEEKS)).through(week))
            kept = {w: kept[w] for w in reached if w in kept and kept[w][0] == list(keys)}
            for earlier in reached:
                if earlier not in kept:
                    kept[earlier] = (list(keys), warehouse.read([earlier], keys))
            started = first_weeks.before(reached[0], keys)
            answers = Answers.from_table(pa.concat_tables([started, *(kept[w][1] for w in reached)]))
            counted = counting.among(answers, reached[0], keys)
            lately = answers.take(answers.completed_at >= calendar.as_numpy(reached[0].begins_at))
            yield Window(week, keys, users.asked(keys), lately, counted)
