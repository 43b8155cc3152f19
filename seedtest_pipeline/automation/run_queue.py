"""Dagster's queue of runs, as long as RUNS_AT_ONCE lets it be; named in dagster.yaml."""

from collections.abc import Mapping
from typing import Any, Self

from dagster._core.run_coordinator import QueuedRunCoordinator
from dagster._serdes import ConfigurableClassData

from seedtest_pipeline.settings import Settings


class RunQueue(QueuedRunCoordinator):
    """Dagster's own, whose number of runs at once is a setting of the pipeline."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:
        config = {"max_concurrent_runs": Settings.load().runs_at_once, **config_value}
        return super().from_config_value(inst_data, config)
