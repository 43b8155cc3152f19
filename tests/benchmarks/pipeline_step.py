"""One step of `bench_pipeline` in a process of its own; prints JSON.

python -m tests.benchmarks.pipeline_step run FIRST LAST ASSET|weekly ["KEY KEY ..."]   seconds in the assets
python -m tests.benchmarks.pipeline_step schedule WEEK   the user keys of each run that the schedule asks for
python -m tests.benchmarks.pipeline_step due             seconds of a look of the sensor `due_weeks`
python -m tests.benchmarks.pipeline_step forget WEEK     takes back what was made of the week
"""

import json
import sys
import time
from collections.abc import Callable

import dagster as dg
import sqlalchemy as sa

from assets.partitions import range_tags
from resources.database.engine import transaction
from resources.database.schema.tables import ability_weeks, report_artifacts, theta_estimates
from resources.model import Week
from resources.progress import LogProgress
from seedtest_pipeline.automation.schedule import learners_by_key, runs_of
from seedtest_pipeline.cli import startup
from seedtest_pipeline.definitions import build
from seedtest_pipeline.runs import WEEKLY, Runner


def run(first: str, last: str, asset: str, keys: str = "") -> float:
    runner = Runner(startup.parts(), LogProgress())
    weeks = list(Week.parse(first).through(Week.parse(last)))
    chosen = keys.split() or runner.partitions.user_keys(runner.instance)
    assets = WEEKLY if asset == "weekly" else (asset,)
    return sum(runner._run(assets, range_tags(weeks, chosen), {}).seconds.values())


def schedule(week: str) -> list[str]:
    """As `weekly` cuts them; each run's keys as one string."""
    runner = Runner(startup.parts(), LogProgress())
    keys = runner.partitions.user_keys(runner.instance)
    return [" ".join(chunk) for chunk in runs_of(keys, learners_by_key(runner.parts.engine, runner.partitions))]


def due() -> float:
    runner = Runner(startup.parts(), LogProgress())
    definitions = build(runner.parts, LogProgress())
    sensor = definitions.resolve_sensor_def("due_weeks")
    begun = time.perf_counter()
    with dg.build_sensor_context(
        instance=runner.instance, repository_def=definitions.get_repository_def(),
        resources={"engine": runner.parts.engine, "warehouse": runner.parts.warehouse, "rules": runner.parts.rules},
    ) as context:  # fmt: skip
        sensor.evaluate_tick(context)
    return time.perf_counter() - begun


def forget(week: str) -> float:
    parts = startup.parts()
    begun = time.perf_counter()
    with transaction(parts.engine) as connection:
        for table in (theta_estimates, report_artifacts, ability_weeks):
            connection.execute(sa.delete(table).where(table.c.week_start == Week.parse(week).start))
    return time.perf_counter() - begun


if __name__ == "__main__":
    step, *arguments = sys.argv[1:]
    steps: dict[str, Callable[..., float | list[str]]] = {
        "run": run,
        "schedule": schedule,
        "due": due,
        "forget": forget,
    }
    print(json.dumps(steps[step](*arguments)))
