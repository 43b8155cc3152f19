"""The image of the pipeline, as a container that may write in one folder alone: what compose.yaml starts in it."""

from contextlib import ExitStack

import httpx
import pytest
import yaml

from resources import ports as ports_of_this_machine
from tests.e2e.conftest import WEEKS
from tests.e2e.dagster_ui import DagsterUi
from tests.images import container
from tests.images.builder import CHECKOUT
from tests.waiting import until

COMPOSE = yaml.safe_load((CHECKOUT / "deploy/compose.yaml").read_text("utf-8"))["services"]


@pytest.fixture
def settings(empty_database_url):
    return {"DATABASE_URL": empty_database_url, "LOCAL_DEV": "true"}


@pytest.fixture
def here():
    """A line of compose.yaml as it is on this machine's loopback, with ports that are free."""
    ports = {name: str(ports_of_this_machine.probe("127.0.0.1", 0)) for name in ("8000", "4000", "3000")}

    def translated(line):
        line = line.replace("0.0.0.0", "127.0.0.1").replace("-host=code", "-host=127.0.0.1")  # noqa: S104 - it is taken away
        for named, free in ports.items():
            line = line.replace(named, free)
        return line

    return translated


def command(service, here):
    return [here(part) for part in COMPOSE[service]["command"]]


def is_healthy(image, service, volume, settings, here):
    _, *check = (
        COMPOSE[service]["healthcheck"]["test"] if "healthcheck" in COMPOSE[service] else ("", *image.healthcheck)
    )
    return container.run(image, [here(part) for part in check], volume, settings).returncode == 0


def test_it_migrates_and_answers_and_finds_nothing_amiss(pipeline_image, volume, settings, here):
    migrated = container.run(pipeline_image, command("migrate", here), volume, settings)
    assert migrated.returncode == 0, migrated.stderr
    api = [*command("api", here), "--port", here("8000")]
    url = f"http://127.0.0.1:{here('8000')}"
    with container.serving(pipeline_image, api, volume, settings) as serving:
        until(lambda: serving.poll() is not None or container.answers(f"{url}/livez"))
        assert httpx.get(f"{url}/readyz").json()["checks"]["database"]["ok"]
        assert is_healthy(pipeline_image, "api", volume, settings, here)
    assert serving.returncode == 0
    examined = container.run(pipeline_image, ["seedtest", "doctor"], volume, settings)
    assert "migrations" in examined.stdout.lower(), examined.stdout + examined.stderr


def test_dagsters_processes_tell_their_health_and_make_a_run(pipeline_image, volume, settings, here):
    assert container.run(pipeline_image, command("migrate", here), volume, settings).returncode == 0
    with ExitStack() as services:
        for service in ("code", "webserver", "daemon"):
            process = services.enter_context(
                container.serving(pipeline_image, command(service, here), volume, settings)
            )
            until(
                lambda service=service, process=process: (
                    process.poll() is not None or is_healthy(pipeline_image, service, volume, settings, here)
                )
            )
            assert process.poll() is None, process.stdout.read()
        ui = DagsterUi(process, int(here("3000")))
        run_id = ui.launch(["report_template"], {}, location=f"grpc:127.0.0.1:{here('4000')}")
        assert ui.ended(run_id) == "SUCCESS"


def test_a_report_is_made_from_an_empty_database(pipeline_image, volume, settings, responses):
    responses.to_parquet(volume / "responses.parquet", index=False)
    typed = ("migrate", "ingest responses.parquet", "calibrate", f"run --week {WEEKS[0]} --user u17632")
    command = ["sh", "-c", " && ".join(f"seedtest {line}" for line in typed)]
    made = container.run(pipeline_image, command, volume, {**settings, "REPORT_FORMATS": "html,pdf"}, timeout_s=600)
    assert made.returncode == 0, made.stdout + made.stderr
    reports = (volume / "seedtest" / "artifacts").rglob("weekly_report.*")
    assert {report.suffix for report in reports} == {".html", ".pdf"}


def test_it_has_no_rights_and_holds_no_more_than_it_needs(pipeline_image, volume):
    asked = container.run(
        pipeline_image, ["sh", "-c", "id -u; touch /opt/seedtest/here; touch $TMPDIR/here && echo written"], volume
    )
    assert asked.stdout.split() == ["10001", "written"]
    assert "Read-only file system" in asked.stderr
    assert [name for name in ("pip", "uv") if (pipeline_image.root / "opt/seedtest/bin" / name).exists()] == []
    assert pipeline_image.config["Labels"]["org.opencontainers.image.licenses"] == "MIT"
