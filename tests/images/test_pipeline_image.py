"""The image of the pipeline, as a container that may write in one folder alone: what a deployment starts in it."""

import httpx
import pytest

from resources import ports
from tests.images import container
from tests.waiting import until

LOCATION = ["-m", "seedtest_pipeline.definitions"]


@pytest.fixture
def port():
    return ports.probe("127.0.0.1", 0)


@pytest.fixture
def settings(empty_database_url):
    return {"DATABASE_URL": empty_database_url, "LOCAL_DEV": "true"}


def test_it_migrates_and_answers_and_finds_nothing_amiss(pipeline_image, volume, settings, port):
    migrated = container.run(pipeline_image, ["seedtest", "migrate"], volume, settings)
    assert migrated.returncode == 0, migrated.stderr
    url = f"http://127.0.0.1:{port}"
    command = ["seedtest", "api", "--port", str(port)]
    with container.serving(pipeline_image, command, volume, settings) as api:
        until(lambda: api.poll() is not None or container.answers(f"{url}/livez"))
        assert httpx.get(f"{url}/readyz").json()["checks"]["database"]["ok"]
        healthy = [part.replace(":8000", f":{port}") for part in pipeline_image.healthcheck]
        assert container.run(pipeline_image, healthy, volume).returncode == 0
    assert api.returncode == 0
    examined = container.run(pipeline_image, ["seedtest", "doctor"], volume, settings)
    assert "migrations" in examined.stdout.lower(), examined.stdout + examined.stderr


def test_dagsters_processes_find_each_other_and_their_home(pipeline_image, volume, settings, port):
    assert container.run(pipeline_image, ["seedtest", "migrate"], volume, settings).returncode == 0
    web = ports.probe("127.0.0.1", 0)
    code = ["dagster", "code-server", "start", "-h", "127.0.0.1", "-p", str(port), *LOCATION]
    ui = ["dagster-webserver", "-h", "127.0.0.1", "-p", str(web), "--grpc-host", "127.0.0.1", "--grpc-port", str(port)]
    healthy = ["dagster", "api", "grpc-health-check", "-h", "127.0.0.1", "-p", str(port)]
    with container.serving(pipeline_image, code, volume, settings) as server:
        until(lambda: server.poll() or container.run(pipeline_image, healthy, volume).returncode == 0)
        with container.serving(pipeline_image, ui, volume, settings) as webserver:
            until(lambda: webserver.poll() is not None or container.answers(f"http://127.0.0.1:{web}/server_info"))
            asked = {"query": "{repositoriesOrError {... on RepositoryConnection {nodes {name}}}}"}
            told = httpx.post(f"http://127.0.0.1:{web}/graphql", json=asked, timeout=60).json()
            assert told["data"]["repositoriesOrError"]["nodes"], told


def test_it_has_no_rights_and_holds_no_more_than_it_needs(pipeline_image, volume):
    asked = container.run(
        pipeline_image, ["sh", "-c", "id -u; touch /opt/seedtest/here; touch $TMPDIR/here && echo written"], volume
    )
    assert asked.stdout.split() == ["10001", "written"]
    assert "Read-only file system" in asked.stderr
    assert [name for name in ("pip", "uv") if (pipeline_image.root / "opt/seedtest/bin" / name).exists()] == []
    assert pipeline_image.config["Labels"]["org.opencontainers.image.licenses"] == "MIT"
