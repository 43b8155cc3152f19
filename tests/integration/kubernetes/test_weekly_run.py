"""The chart's own pods, run as processes over a Kubernetes API of the tests: from the migration to a complete week."""

import datetime as dt
import signal
import socket

import boto3
import dagster as dg
import numpy as np
import pytest
import sqlalchemy as sa
from dagster._core.scheduler import instigation
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget

from resources.database.engine import transaction
from resources.database.queries.items import item_banks
from resources.ingest import load
from resources.model import ItemBank, Week
from seedtest_pipeline.dagster_home import prepare_dagster_home
from seedtest_pipeline.demo.synthetic_exam import EXAM_ID, synthetic_exam
from seedtest_pipeline.settings import Settings
from tests import pod_policy
from tests.helm import CHART, render
from tests.integration.kubernetes.api_server import ApiServer, serving
from tests.integration.kubernetes.pods import Node, killed
from tests.waiting import until

N_USERS = 40
SMALL_RUNS = "tests.integration.kubernetes.small_runs"  # not imported here: it changes the schedule of its process
NOW = dt.datetime.now(dt.UTC)
TICK = dt.datetime.combine(NOW - dt.timedelta(days=NOW.weekday()), dt.time(6), dt.UTC)
TICK -= dt.timedelta(weeks=TICK > NOW)
WEEK = Week.last_complete(TICK)


@pytest.fixture
def documents(s3_bucket, s3_server):
    return render(
        CHART / "ci" / "minimal.yaml", s3__bucket=s3_bucket, s3__endpoint=s3_server.endpoint, settings__FIRST_WEEK=WEEK,
        runs__atOnce=2, runs__pools__estimator=2, api__enabled="false",
    )  # fmt: skip


@pytest.fixture
def node(documents, tmp_path, database_url, s3_server):
    maps = {each["metadata"]["name"]: dict(each["data"]) for each in documents if each["kind"] == "ConfigMap"}
    node = Node(tmp_path, maps)
    node.secrets["seedtest-database"] = {"DATABASE_URL": database_url}
    keys = {"AWS_ACCESS_KEY_ID": s3_server.key, "AWS_SECRET_ACCESS_KEY": s3_server.secret}
    node.secrets["aws-s3-credentials"] = keys
    return node


@pytest.fixture
def exam(engine):
    exam = synthetic_exam(7, WEEK, n_users=N_USERS, n_weeks=1)
    items = exam.items
    bank = ItemBank(
        "true", "2PL", tuple(items["item_id"]), items["a"].to_numpy(), items["b"].to_numpy(), np.zeros(len(items))
    )
    with transaction(engine) as connection:
        load.ingest(connection, exam.as_file(), EXAM_ID)
        item_banks.save(connection, bank, item_banks.Fit(True, 1, 0.0, N_USERS, 1, NOW))
        item_banks.adopt(connection, bank.version, NOW)
    return exam


@pytest.fixture
def history(database_url, tmp_path, monkeypatch):
    """Dagster's history as the pods have it."""
    for name in map(str.upper, Settings.model_fields):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SEEDTEST_HOME", str(tmp_path / "the test's own"))
    with dg.DagsterInstance.from_config(str(prepare_dagster_home(Settings.load()))) as instance:
        yield instance


@pytest.fixture
def cluster(documents, node, history, exam):
    """The API server, with the chart's migration done and its code location and daemon at work."""
    spec = {(each["kind"], each["metadata"]["name"]): each for each in documents}
    migration = pod_policy.pod_of(spec["Job", "seedtest-migration"])
    for step in pod_policy.containers(migration):
        assert node.start("migration", migration, step).wait() == 0, (node.folder / "migration" / "log").read_text()

    port = _free_port()
    dagster = node.config_maps["seedtest-dagster"]
    for name, told, here in [
        ("workspace.yaml", "seedtest-code, port: 4000", f"127.0.0.1, port: {port}"),
        ("dagster.yaml", "poll_interval_seconds: 20", "poll_interval_seconds: 2"),
    ]:
        assert dagster[name].count(told) == 1
        dagster[name] = dagster[name].replace(told, here)
    api = ApiServer(node, spec["Role", "seedtest-dagster"]["rules"])
    with serving(api) as kubeconfig:
        dagster["run-pods.yaml"] += f"\nload_incluster_config: false\nkubeconfig_file: {kubeconfig}\n"
        instead = {"seedtest_pipeline.definitions": SMALL_RUNS, "4000": str(port)}
        processes = [_started(node, spec["Deployment", "seedtest-code"], instead)]
        try:
            until(lambda: _answers(port) or processes[0].poll() is not None)
            assert processes[0].poll() is None, (node.folder / "code" / "log").read_text()
            _leave_only_the_weekly_schedule(history, port)
            processes.append(_started(node, spec["Deployment", "seedtest-daemon"], {}))
            yield api
        finally:
            for process in processes:
                killed(process, signal.SIGKILL)
                process.wait()


def test_the_schedules_tick_makes_jobs_that_make_the_week_and_one_that_is_killed_is_made_again(
    cluster, history, engine, exam, s3_bucket
):
    victim_id = _killed_amid_its_run(cluster, engine)

    until(lambda: _succeeded(cluster, history, victim_id) == 2)
    runs = {run.run_id: run for run in history.get_runs()}
    victim, again = runs[victim_id], next(run for run in runs.values() if run.parent_run_id == victim_id)
    assert {name.removeprefix("dagster-run-") for name in cluster.jobs} == runs.keys()
    assert (len(runs), victim.status) == (3, dg.DagsterRunStatus.FAILURE)
    buckets = [bucket for run in runs.values() if run is not again for bucket in _buckets(run)]
    assert sorted(buckets) == [f"b{number:03}of64" for number in range(64)]
    assert _buckets(again) == _buckets(victim)
    assert "OOMKilled" in _why_it_failed(history, victim_id)
    assert cluster.refused == []

    answered = set(exam.responses["user_id"])
    with transaction(engine) as connection:
        for table in ("theta_estimates", "report_artifacts"):
            rows = connection.execute(sa.text(f"SELECT user_id FROM {table} WHERE week_start = '{WEEK}'"))  # noqa: S608
            assert {user for (user,) in rows} >= answered
    client = boto3.client("s3", region_name="us-east-1")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=s3_bucket)
    keys = [found["Key"] for page in pages for found in page["Contents"]]
    assert sum(key.startswith("warehouse/responses/") for key in keys) >= 64
    assert sum(key.endswith("weekly_report.html") for key in keys) >= len(answered)
    assert any(key.startswith(f"dagster/storage/{again.run_id}/") for key in keys)
    # DAGSTER_HOME cannot be written in a pod: nobody has tried to.
    found = {path.name for path in cluster.node.folder.glob("*/etc/seedtest/**/*")}
    assert found == {"dagster.yaml", "workspace.yaml", "run-pods.yaml"}


def _started(node, deployment, replaced):
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    arguments = [replaced.get(argument, argument) for argument in container["args"]]
    return node.start(container["name"], pod, {**container, "args": arguments})


def _leave_only_the_weekly_schedule(history, port):
    """It has been on since before the last Monday; the sensors, which would add runs of their own, are off."""
    target = GrpcServerTarget(host="127.0.0.1", port=port, socket=None, location_name="seedtest")
    with WorkspaceProcessContext(history, target) as workspace:
        (repository,) = workspace.create_request_context().get_code_location("seedtest").get_repositories().values()
        for schedule in repository.get_schedules():
            on = schedule.name == "weekly"
            status = instigation.InstigatorStatus.RUNNING if on else instigation.InstigatorStatus.STOPPED
            data = instigation.ScheduleInstigatorData(schedule.cron_schedule, TICK.timestamp() - 60 if on else None)
            history.add_instigator_state(instigation.InstigatorState(
                schedule.get_remote_origin(), instigation.InstigatorType.SCHEDULE, status, data
            ))  # fmt: skip
        for sensor in repository.get_sensors():
            history.add_instigator_state(instigation.InstigatorState(
                sensor.get_remote_origin(), instigation.InstigatorType.SENSOR, instigation.InstigatorStatus.STOPPED,
                instigation.SensorInstigatorData(),
            ))  # fmt: skip


def _killed_amid_its_run(cluster, engine):
    """The id of a run that had started and was killed before it ended."""
    started = sa.text("SELECT run_id FROM dagster.runs WHERE status = 'STARTED'")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        found: list[str] = []
        until(lambda: found.extend(connection.scalars(started)) or found)
    process = cluster.jobs[f"dagster-run-{found[0]}"].process
    killed(process, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    return found[0]


def _succeeded(cluster, history, victim_id):
    """How many runs have; nothing but the victim may have ended otherwise."""
    ended = {name: job.process.poll() for name, job in cluster.jobs.items() if victim_id not in name}
    assert {name: code for name, code in ended.items() if code} == {}
    return history.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))


def _buckets(run):
    """The buckets of a run's range, which is of one week."""
    ends = [run.tags[f"dagster/asset_partition_range_{end}"].split("|") for end in ("start", "end")]
    assert {week for _, week in ends} == {WEEK.key}
    first, last = (int(bucket[1:4]) for bucket, _ in ends)
    return [f"b{number:03}of64" for number in range(first, last + 1)]


def _why_it_failed(history, run_id):
    (failed,) = history.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    return failed.message


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
