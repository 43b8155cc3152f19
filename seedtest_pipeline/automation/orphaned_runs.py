"""Runs whose process ended without a word: Dagster believes for ever that they go on, and keeps their places among the
runs that may go on at once, so that after a few of them every queued run would wait without end.

They are ended when a command or the daemon starts, when Dagster's monitoring looks after its runs, and when a person
terminates one. A failed run is tried again as dagster.yaml says.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core import launcher
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._serdes import ConfigurableClassData

from seedtest_pipeline.automation.run_locks import LockingRunStorage
from seedtest_pipeline.settings import Settings

_STATUSES = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_WHAT = "The process was killed. What it had finished is kept"


def close(instance: dg.DagsterInstance) -> int:
    """End orphaned runs, as failed or as canceled, and free their places in the pools; returns how many there were."""
    orphans = [run for run in instance.get_runs(dg.RunsFilter(statuses=_STATUSES)) if orphaned(instance, run)]
    for run in orphans:
        _end(instance, run)
    return len(orphans)


def orphaned(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the run's process has ended. Never of a deployment whose storage takes no locks: nobody could tell."""
    storage = instance.run_storage
    return isinstance(storage, LockingRunStorage) and storage.run_locks.abandoned(run.run_id)


class EndsOrphans(launcher.RunLauncher[dg.DagsterInstance]):
    """A launcher of Dagster's that knows by a run's lock whether its process lives, wherever that was."""

    status_of_killed = WorkerStatus.NOT_FOUND

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        if orphaned(self._instance, run):
            return CheckRunHealthResult(self.status_of_killed, _WHAT)
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def terminate(self, run_id: str) -> bool:
        """An orphan is canceled here and now: its code server or pod is gone, and no one else would answer."""
        run = self._instance.get_run_by_id(run_id)
        if run is not None and run.status in _STATUSES and orphaned(self._instance, run):
            self._instance.report_run_canceled(run, f"{_WHAT}.")
            return True
        return bool(super().terminate(run_id))  # type: ignore[safe-super]  # that of the launcher it is mixed into


class RunLauncher(EndsOrphans, DefaultRunLauncher):
    """A process for each run, or a Kubernetes Job where the settings say so; named in dagster.yaml."""

    @classmethod
    def from_config_value(  # type: ignore[override]  # one class of two: dagster.yaml has no conditions
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> launcher.RunLauncher[dg.DagsterInstance]:
        if path := Settings.load().run_pods_file:
            from seedtest_pipeline.automation import run_pods  # with Kubernetes' client, a second

            return run_pods.from_file(path, inst_data)
        return super().from_config_value(inst_data, config_value)


def _end(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    if run.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, f"{_WHAT}.")
    else:
        instance.report_run_failed(run, f"{_WHAT}; run it again.")
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
