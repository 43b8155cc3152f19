"""How long learners usually take for an item, from everybody's frozen answers of some weeks."""

from collections.abc import Collection, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from resources.model import Week
from resources.reports.learner.active_time import IDLE_MS
from resources.warehouse.warehouse import Warehouse

WEEKS = 4
MIN_TIMES = 20  # of so many, a mean of times is right to about a fifth
_COLUMNS = ("item_key", "correct", "attempt_no", "response_time_ms")


def usual_times(warehouse: Warehouse, first_week: Week, week: Week, user_keys: Collection[str]) -> Mapping[str, float]:
    """The mean of each item's times in milliseconds, each counted as IDLE_MS at most: of scored first attempts of the
    four weeks before this one, as far as they are frozen. Items of fewer than MIN_TIMES are absent.

    This week's own would make a report depend on who else's answers are frozen by then.
    """
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for of_week in max(first_week, week.plus(-WEEKS)).through(week.plus(-1)):
        frozen = set(user_keys).difference(warehouse.missing(of_week, user_keys))
        answers = warehouse.read([of_week], sorted(frozen), _COLUMNS)
        scored = pc.and_(pc.is_valid(answers["correct"]), pc.is_in(answers["attempt_no"], pa.array([1])))
        answers = answers.filter(pc.and_(scored, pc.is_valid(answers["response_time_ms"])))
        answers = answers.append_column("ms", pc.min_element_wise(answers["response_time_ms"], IDLE_MS))
        for row in answers.group_by("item_key").aggregate([("ms", "sum"), ("ms", "count")]).to_pylist():
            sums[row["item_key"]] = sums.get(row["item_key"], 0) + row["ms_sum"]
            counts[row["item_key"]] = counts.get(row["item_key"], 0) + row["ms_count"]
    return {item: sums[item] / n for item, n in sorted(counts.items()) if n >= MIN_TIMES}
