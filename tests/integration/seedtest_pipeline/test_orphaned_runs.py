import os
import signal
import subprocess
import sys
import time
from uuid import uuid4

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml
from dagster._core.launcher import WorkerStatus

from seedtest_pipeline.automation import orphaned_runs, run_locks
from seedtest_pipeline.automation.run_locks import SECOND_LOOK_S
from tests.waiting import until

# A run of another process: it says when it has started, and goes on until it is killed.
RUN = """
import sys, time
import dagster as dg
instance = dg.DagsterInstance.from_config(sys.argv[1])
@dg.asset
def slow():
    print("started", flush=True)
    time.sleep(600)
job = dg.Definitions(assets=[slow]).resolve_implicit_global_asset_job_def()
job.execute_in_process(instance=instance, run_id=sys.argv[2])
"""


@pytest.fixture
def looks_again_at_once(monkeypatch):
    """No database restarts meanwhile, for which a second look would wait."""
    monkeypatch.setattr(run_locks, "SECOND_LOOK_S", 0.1)


@pytest.fixture
def running(history, settings):
    """The id of a run that goes on in another process, and that process."""
    run_id = str(uuid4())
    command = [sys.executable, "-c", RUN, str(settings.dagster_home), run_id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout.readline() == "started\n"
        yield run_id, process
        process.kill()


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    return instance.get_run_by_id(run_id).status


@pytest.mark.usefixtures("looks_again_at_once")
def test_a_run_is_ended_only_once_its_process_is_killed(history, running):
    run_id, process = running
    assert orphaned_runs.close(history) == 0
    assert status(history, run_id) is dg.DagsterRunStatus.STARTED
    assert history.run_launcher.check_run_worker_health(history.get_run_by_id(run_id)).status.value == "RUNNING"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert history.run_launcher.check_run_worker_health(history.get_run_by_id(run_id)).status.value == "NOT_FOUND"
    assert orphaned_runs.close(history) == 1
    assert status(history, run_id) is dg.DagsterRunStatus.FAILURE
    assert orphaned_runs.close(history) == 0


@pytest.mark.usefixtures("looks_again_at_once")
def test_a_kubernetes_that_does_not_answer_is_not_the_end_of_a_run(history, running, settings, tmp_path, monkeypatch):
    """dagster-k8s' own launcher takes that for the end of all runs, and tries each again beside itself."""
    context = {"name": "gone", "context": {"cluster": "gone", "user": "gone"}}
    kubeconfig = {
        "clusters": [{"name": "gone", "cluster": {"server": "http://127.0.0.1:9"}}], "contexts": [context],
        "users": [{"name": "gone", "user": {}}], "current-context": "gone",
    }  # fmt: skip
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    pods = {
        "load_incluster_config": False, "kubeconfig_file": str(tmp_path / "kubeconfig"),
        "service_account_name": "pipeline", "instance_config_map": "dagster",
    }  # fmt: skip
    (tmp_path / "run-pods.yaml").write_text(yaml.safe_dump(pods))
    monkeypatch.setenv("RUN_PODS_FILE", str(tmp_path / "run-pods.yaml"))
    run_id, process = running
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        run = instance.get_run_by_id(run_id)
        assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
        process.kill()
        process.wait()
        assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.FAILED


@pytest.mark.usefixtures("looks_again_at_once")
def test_a_killed_run_that_a_person_terminates_is_canceled_at_once(history, running):
    """It stayed "canceling": the code server that was to answer was gone, too."""
    run_id, process = running
    process.kill()
    process.wait()
    assert history.run_launcher.terminate(run_id)
    assert status(history, run_id) is dg.DagsterRunStatus.CANCELED


@pytest.mark.usefixtures("looks_again_at_once")
def test_one_that_stayed_canceling_is_canceled(history, running):
    run_id, process = running
    process.kill()
    process.wait()
    history.report_run_canceling(history.get_run_by_id(run_id))
    assert orphaned_runs.close(history) == 1
    assert status(history, run_id) is dg.DagsterRunStatus.CANCELED


def test_a_database_that_restarts_takes_the_lock_and_the_run_takes_it_again(history, running, engine):
    """Otherwise every failover would end the runs that outlasted it."""
    run_id, _ = running
    ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with engine.connect() as connection:
        assert connection.execute(sa.text(f"{ended} AND datname = current_database()")).scalar_one() > 0
    began = time.monotonic()
    assert not orphaned_runs.orphaned(history, history.get_run_by_id(run_id))
    assert time.monotonic() - began < SECOND_LOOK_S + 5
    until(lambda: not history.run_storage.run_locks._free(run_id))


def test_a_finished_run_lets_go_of_its_lock(history):
    @dg.asset
    def quick() -> None: ...

    run_id = dg.materialize([quick], instance=history).run_id
    until(lambda: history.run_storage.run_locks._free(run_id), 10 * run_locks._LOOK_S)


def test_a_storage_without_locks_is_left_alone():
    """Nobody could tell a run that goes on from one that was killed."""
    with dg.DagsterInstance.ephemeral() as instance:
        run_id = str(uuid4())
        instance.add_run(dg.DagsterRun("weekly", run_id, status=dg.DagsterRunStatus.STARTED))
        assert orphaned_runs.close(instance) == 0


def test_dagster_yaml_of_an_older_release_still_starts_and_its_runs_hold_locks(settings, tmp_path):
    """A deployment's own DAGSTER_HOME is left as it is: there was no launcher, no retry and no queue in it."""
    (tmp_path / "dagster.yaml").write_text(
        "storage:\n  custom: {module: seedtest_pipeline.dagster_storage, class: SeedtestStorage, config: {}}\n"
        "concurrency:\n  runs: {max_concurrent_runs: 2}\n  pools: {granularity: run, default_limit: 4}\n"
        "run_monitoring: {enabled: true, max_runtime_seconds: 43200}\n"
    )
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:

        @dg.asset
        def quick() -> None:
            assert not orphaned_runs.orphaned(instance, instance.get_runs()[0])

        assert dg.materialize([quick], instance=instance).success
