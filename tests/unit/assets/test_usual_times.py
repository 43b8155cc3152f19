import pyarrow as pa

from assets.publishing.usual_times import MIN_TIMES, usual_times
from docs.sample_learner import WEEK
from resources.answers.schema import SCHEMA
from resources.artifacts.folder import FolderStore
from resources.model import Week
from resources.warehouse.warehouse import Warehouse


def frozen(
    week: Week, ms: list[int | None], item: str = "q1", correct: bool | None = True, attempt: int = 1
) -> pa.Table:
    n = len(ms)
    columns = {
        "user_id": [f"u{i}" for i in range(n)], "item_key": [item] * n, "correct": [correct] * n,
        "completed_at": [week.begins_at] * n, "response_time_ms": ms, "attempt_no": [attempt] * n,
    }  # fmt: skip
    return pa.table({name: columns.get(name, [None] * n) for name in SCHEMA.names}, SCHEMA)


def test_the_usual_time_is_the_mean_of_everybodys_first_attempts_of_the_four_weeks_before(tmp_path):
    warehouse = Warehouse(FolderStore(tmp_path))
    half, before = MIN_TIMES // 2, WEEK.plus(-1)
    theirs = [
        frozen(before, [40_000] * half),
        frozen(before, [1_000] * half, attempt=2),
        frozen(before, [1_000] * half, correct=None),
        frozen(before, [None] * half),
        frozen(before, [5_000] * (MIN_TIMES - 1), item="seldom"),
    ]
    warehouse.write(before, {"0": pa.concat_tables(theirs)})
    warehouse.write(WEEK.plus(-4), {"1": frozen(WEEK.plus(-4), [3_600_000] * half)})  # a page left open: ten minutes
    for neither in (WEEK, WEEK.plus(-5)):
        warehouse.write(neither, {"1": frozen(neither, [1] * 100)})
    found = usual_times(warehouse, WEEK.plus(-9), WEEK, {"0", "1", "never frozen"})
    assert found == {"q1": (40_000 + 600_000) / 2}
    assert usual_times(warehouse, before, WEEK, {"0", "1"}) == {}, "too few without the weeks before"
    assert usual_times(warehouse, WEEK, WEEK, {"0"}) == {}, "there is none before the first"
