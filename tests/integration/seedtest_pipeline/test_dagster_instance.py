"""dagster.yaml is one file: what differs between one machine and a cluster follows from the settings."""

import sys

import boto3
import dagster as dg
import pytest
import yaml
from dagster._core.storage.compute_log_manager import ComputeIOType

from resources.errors import OperatorRequired
from seedtest_pipeline.dagster_home import prepare_dagster_home


@pytest.fixture
def instance_with(settings, monkeypatch):
    """Dagster's instance by the program's dagster.yaml, under these settings."""

    def instance_with(**given):
        for name, value in given.items():
            monkeypatch.setenv(name, str(value))
        return dg.DagsterInstance.from_config(str(prepare_dagster_home(settings)))

    return instance_with


def test_as_many_runs_go_on_as_the_setting_says_and_pools_stay_limited(instance_with):
    for given, expected in [({}, 2), ({"RUNS_AT_ONCE": 7}, 7)]:
        with instance_with(**given) as instance:
            concurrency = instance.get_concurrency_config()
            assert concurrency.run_queue_config.max_concurrent_runs == expected
            assert concurrency.run_queue_config.max_user_code_failure_retries == 10
            assert concurrency.pool_config.default_pool_limit == 4


def test_what_a_run_prints_is_in_the_bucket_in_pieces_and_goes_with_the_run(instance_with, settings, s3_bucket):
    key = ["a-run", "compute_logs", "a-step"]
    with instance_with(S3_BUCKET=s3_bucket) as instance:
        logs = instance.compute_log_manager
        assert logs.upload_interval
        with logs.capture_logs(key):
            print("seen by a person", file=sys.stdout)
        client = boto3.client("s3", region_name="us-east-1")
        there = [found["Key"] for found in client.list_objects_v2(Bucket=s3_bucket)["Contents"]]
        assert {name.rsplit(".")[0] for name in there} == {"dagster/storage/a-run/compute_logs/a-step"}
        printed, _ = logs.get_log_data_for_type(key, ComputeIOType.STDOUT, 0, None)
        assert printed == b"seen by a person\n"
        logs.delete_logs(prefix=["a-run"])
        assert client.list_objects_v2(Bucket=s3_bucket)["KeyCount"] == 0
    assert not list((settings.home / "output").rglob("*.out"))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "RUN_PODS_FILE cannot be read: .* mount it, or unset"),
        ("a: [", "RUN_PODS_FILE cannot be read"),
        (yaml.safe_dump({"job_image": "it"}), r"run-pods\.yaml: .*instance_config_map"),
        (yaml.safe_dump({"instance_config_map": "it", "service_account_name": "it"}), "finds no Kubernetes"),
    ],
)
def test_run_pods_that_cannot_be_are_one_sentence(instance_with, tmp_path, content, complaint):
    path = tmp_path / "run-pods.yaml"
    if content is not None:
        path.write_text(content)
    with instance_with(RUN_PODS_FILE=path) as instance, pytest.raises(OperatorRequired, match=complaint):
        _ = instance.run_launcher
