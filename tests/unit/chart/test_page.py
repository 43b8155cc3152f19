"""docs/operations/kubernetes.md is what a person types: its values render, and what its commands name is there."""

import re

import kubernetes_validate
import pytest
import typer
import yaml

from seedtest_pipeline.cli.main import app
from seedtest_pipeline.settings import Settings
from tests.helm import CHART, render

PAGE = (CHART.parents[1] / "docs" / "operations" / "kubernetes.md").read_text("utf-8")
VALUES = re.search(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1]
BLOCKS = "\n".join(re.findall(r"^ *```\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    path = tmp_path_factory.mktemp("operator") / "values.yaml"
    path.write_text(VALUES)
    return render(path)


def test_its_values_bring_up_everything(documents):
    for document in documents:
        kubernetes_validate.validate(document, "1.35", strict=True)
    assert {document["kind"] for document in documents} >= {"Deployment", "Job", "Service", "ConfigMap", "Role"}


def test_what_its_commands_ask_is_there(documents):
    names = {(document["kind"], document["metadata"]["name"]) for document in documents}
    targets = re.findall(r"\b(deploy|svc)/([\w-]+)", BLOCKS + "".join(re.findall("`kubectl.*?`", PAGE)))
    assert len(targets) >= 3
    kinds = {"deploy": "Deployment", "svc": "Service"}
    assert {(kinds[kind], name) for kind, name in targets if name != "chart"} <= names
    commands = typer.main.get_command(app).commands
    assert set(re.findall(r"-- seedtest ([\w-]+)", PAGE)) <= commands.keys()
    assert set(re.findall(r"(?<=deploy/)chart\b", BLOCKS)) == {CHART.name}


def test_its_secrets_are_values_whose_keys_are_settings():
    """What stands in a Secret becomes the environment of every pod: another key would be read by nobody."""
    rows = re.findall(r"^ *\| `([a-z0-9-]+)` \| (.+?) \| `([\w.]+)`", PAGE, re.MULTILINE)
    assert len(rows) == 5
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    known = {*map(str.upper, Settings.model_fields), "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "private-key.pem"}
    for name, keys, value in rows:
        group, field = value.split(".")
        assert defaults[group][field] in ("", name)
        assert set(re.findall(r"`(.+?)`", keys)) <= known
        assert set(re.findall(r"--from-literal=(\w+)=", BLOCKS)) <= known
