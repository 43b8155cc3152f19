"""deploy/compose.yaml against the compose specification, the settings, and the rights that it leaves its containers."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import boto3
import pytest
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError

from resources import ports as ports_of_this_machine
from seedtest_pipeline.settings import Settings
from tests.s3_server import WEED, free_ports
from tests.waiting import until

CHECKOUT = Path(__file__).parents[3]
FILE = CHECKOUT / "deploy" / "compose.yaml"
TEXT = FILE.read_text("utf-8")
COMPOSE = yaml.safe_load(TEXT)
EXAMPLE = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", FILE.with_name("env.example").read_text("utf-8"), re.MULTILINE))
SETTINGS = {name.upper() for name in Settings.model_fields}
BOTO3S = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_S3"}
SECRETS = {"POSTGRES_PASSWORD", "AWS_SECRET_ACCESS_KEY", "R_IRT_INTERNAL_TOKEN"}
OF_OUR_IMAGES = [name for name, service in COMPOSE["services"].items() if "build" in service]
SERVICES = pytest.mark.parametrize("service", COMPOSE["services"].values(), ids=COMPOSE["services"])


def test_it_is_of_the_compose_specification():
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    checked = subprocess.run(check, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_what_containers_are_told_are_settings_that_there_are():
    told = {name for service in OF_OUR_IMAGES for name in COMPOSE["services"][service].get("environment", {})}
    assert told
    assert told - SETTINGS - BOTO3S == set()
    asked_by_compose = set(re.findall(r"\$\{(\w+)", TEXT))
    assert set(EXAMPLE) - SETTINGS - asked_by_compose == set()


def test_no_secret_has_a_default_and_compose_stops_without_it():
    assert [name for name in SECRETS if EXAMPLE[name]] == []
    asked = {(name, rest[:2]) for name, rest in re.findall(r"\$\{(\w+)([^}]*)\}", TEXT)}
    assert {name for name, how in asked if how == ":?"} >= SECRETS
    assert [name for name, how in asked if how == ":-" and name in SECRETS] == []
    assert [name for name, how in asked if how not in (":?", ":-")] == []


@SERVICES
def test_a_container_has_least_rights_and_tells_its_health(service):
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert "healthcheck" in service or service["image"].startswith("seedtest/")  # Dockerfiles have one
    assert ":latest" not in service["image"]
    assert ":" in service["image"]


@SERVICES
def test_ports_are_of_this_machine_alone_unless_said_otherwise(service):
    assert all(port.startswith(("127.0.0.1:", "${BIND:-127.0.0.1}:")) for port in service.get("ports", []))


def test_the_images_are_of_this_version():
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert {COMPOSE["services"][name]["image"].partition(":")[2] for name in OF_OUR_IMAGES} == {f"${{TAG:-{version}}}"}
    for dockerfile in (CHECKOUT / "deploy/images").glob("*/Dockerfile"):
        assert f"ARG VERSION={version}\n" in dockerfile.read_text("utf-8")


def test_its_object_store_has_the_bucket_and_refuses_strangers(tmp_path):
    here = {"-dir=/data": f"-dir={tmp_path}", "-ip.bind=0.0.0.0": "-ip.bind=127.0.0.1"}
    ports = dict(zip(("master", "volume", "filer", "s3", "admin"), free_ports(5), strict=True))
    command = [
        *(here.get(part, part) for part in COMPOSE["services"]["objects"]["command"]),
        *(f"-{name}.port={port}" for name, port in ports.items()),
    ]
    environment = {"AWS_ACCESS_KEY_ID": "a-key", "AWS_SECRET_ACCESS_KEY": "a-secret", "HOME": str(tmp_path)}
    ours, a_strangers = (s3_client(ports["s3"], "a-key", secret) for secret in ("a-secret", "another"))
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([WEED, *command], env=environment, stdout=log, stderr=log)
        try:
            until(lambda: server.poll() is not None or is_in_use(ports["s3"]))
            until(lambda: [bucket["Name"] for bucket in ours.list_buckets()["Buckets"]] == ["seedtest"])
            ours.put_object(Bucket="seedtest", Key="report", Body=b"")
            with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
                a_strangers.list_buckets()
        finally:
            server.kill()  # nothing of it is kept, and a clean stop takes seconds
            server.wait()


def s3_client(port, key, secret):
    return boto3.client(
        "s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", aws_access_key_id=key,
        aws_secret_access_key=secret, config=Config(s3={"addressing_style": "path"}),
    )  # fmt: skip


def is_in_use(port):
    return not ports_of_this_machine.is_free("127.0.0.1", port)
