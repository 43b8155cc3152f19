"""Runs as Kubernetes Jobs, by dagster-k8s' own launcher; RUN_PODS_FILE has its settings, which the chart writes.

Stays out: what becomes of a run whose pod was killed (`orphaned_runs`).
"""

from pathlib import Path

import yaml
from dagster._config import process_config
from dagster._core.launcher import WorkerStatus
from dagster._serdes import ConfigurableClassData
from dagster_k8s.launcher import K8sRunLauncher
from kubernetes.config import ConfigException

from resources.errors import OperatorRequired
from seedtest_pipeline.automation.orphaned_runs import EndsOrphans


class RunPods(EndsOrphans, K8sRunLauncher):
    """K8sRunLauncher, which asks the run's lock and not Kubernetes whether a run goes on.

    By itself it takes an API server that is away for a moment for the end of every run, and fails them all.
    """

    status_of_killed = WorkerStatus.FAILED  # with it Dagster adds what Kubernetes knows, such as that memory ran out


def from_file(path: Path, inst_data: ConfigurableClassData) -> RunPods:
    """The launcher with the file's settings.

    Raises:
        OperatorRequired: the file cannot be read or is no such settings, or this process is in no pod.
    """
    try:
        given = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise OperatorRequired(
            f"RUN_PODS_FILE cannot be read: {error}", where=path, remedy="the chart writes it; mount it, or unset this."
        ) from error
    checked = process_config(K8sRunLauncher.config_type(), given)  # type: ignore[no-untyped-call]
    if checked.value is None:
        reasons = "; ".join(error.message for error in checked.errors or ())
        raise OperatorRequired(
            f"RUN_PODS_FILE {path}: {reasons}",
            where=path,
            remedy="see the settings of K8sRunLauncher.",
        )
    try:
        return RunPods(inst_data=inst_data, **checked.value)
    except ConfigException as error:
        raise OperatorRequired(
            f"RUN_PODS_FILE is set, and this process finds no Kubernetes ({error})",
            where=path,
            remedy="unset it, or give the pod its service account's token.",
        ) from error
