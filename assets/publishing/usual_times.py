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


def usual_times(
    warehouse: Warehouse, first_week: Week, week: Week, user_keys: Collection[str], items: Collection[str]
) -> Mapping[str, float]:
    """The mean of these items' times in milliseconds, each counted as IDLE_MS at most: of scored first attempts of the
    week and the three before, as far as they are frozen. Items of fewer than MIN_TIMES are absent."""
    tables = []
    for of_week in max(first_week, week.plus(1 - WEEKS)).through(week):
        frozen = set(user_keys).difference(warehouse.missing(of_week, user_keys))
        answers = warehouse.read([of_week], sorted(frozen), _COLUMNS)
        tables.append(answers.filter(pc.is_in(answers["item_key"], pa.array(sorted(items), answers["item_key"].type))))
    frame = pa.concat_tables(tables).to_pandas()
    scored = frame[frame["correct"].notna() & (frame["attempt_no"] == 1)]
    ms = scored["response_time_ms"].dropna().clip(upper=IDLE_MS).groupby(scored["item_key"], observed=True)
    means = ms.mean()[ms.count() >= MIN_TIMES]
    return dict(zip(means.index.tolist(), means.tolist(), strict=True))
