"""What the chart renders for three files of values: valid for Kubernetes, locked up, and true to the program."""

import re
from pathlib import Path

import kubernetes_validate
import pytest
import typer
import yaml
from pydantic import SecretStr

from seedtest_pipeline.cli.main import app
from seedtest_pipeline.settings import DAGSTERS_OWN, Settings
from tests import pod_policy
from tests.helm import CHART, helm, render

CHECKOUT = CHART.parents[1]
VALUES = sorted((CHART / "ci").glob("*.yaml"))
# Read by others than our settings: boto3, and every program.
FOREIGN = {"AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_S3", "DAGSTER_HOME", "HOME", "TMPDIR"}
SETTINGS = {name.upper() for name in Settings.model_fields}


@pytest.fixture(scope="module", params=VALUES, ids=lambda path: path.stem)
def documents(request):
    return render(request.param)


@pytest.fixture(scope="module")
def everything():
    return render(CHART / "ci" / "everything.yaml")


def of_kind(documents, kind):
    return {document["metadata"]["name"]: document for document in documents if document["kind"] == kind}


def pods(documents):
    return {
        (document["kind"], document["metadata"]["name"]): pod
        for document in documents
        if (pod := pod_policy.pod_of(document))
    }


def labels(documents):
    """Of each Deployment's pods, and of runs."""
    found = {
        name: each["spec"]["template"]["metadata"]["labels"] for name, each in of_kind(documents, "Deployment").items()
    }
    return found | {"run": run_pods(documents)["labels"]}


def run_pods(documents):
    return yaml.safe_load(of_kind(documents, "ConfigMap")["seedtest-dagster"]["data"]["run-pods.yaml"])


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)
def test_helm_finds_no_fault(values):
    linted = helm("lint", "--strict", str(CHART), "-f", str(values))
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_each_manifest_is_valid_for_the_oldest_and_the_newest_kubernetes(documents):
    for document in documents:
        for version in ("1.27", "1.35"):
            kubernetes_validate.validate(document, version, strict=True)


def test_every_pod_is_locked_up_and_has_limits(documents):
    found = pods(documents)
    assert len(found) >= 5
    assert {name: faults for name, pod in found.items() if (faults := list(pod_policy.faults(pod)))} == {}


def test_only_the_daemon_and_the_webserver_may_ask_kubernetes_and_for_jobs_and_pods_of_their_namespace(documents):
    asking = {name for (_, name), pod in pods(documents).items() if pod["automountServiceAccountToken"]}
    assert asking == {"seedtest-daemon", "seedtest-webserver"}
    assert not of_kind(documents, "ClusterRole")
    assert not of_kind(documents, "ClusterRoleBinding")
    (role,) = of_kind(documents, "Role").values()
    assert {resource for rule in role["rules"] for resource in rule["resources"]} == {
        "jobs", "jobs/status", "pods", "pods/log", "events",
    }  # fmt: skip
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"create", "get", "list", "delete"}
    (binding,) = of_kind(documents, "RoleBinding").values()
    assert [subject["name"] for subject in binding["subjects"]] == ["seedtest-dagster"]


def test_no_variable_is_set_that_nobody_reads(documents):
    read_by_r = set(re.findall(r"`(R_IRT_\w+)`", _page("resources/estimators/plumber/README.md")))
    everywhere = [container for pod in pods(documents).values() for container in pod_policy.containers(pod)]
    given = {variable["name"] for container in everywhere for variable in container.get("env", ())}
    given |= set(of_kind(documents, "ConfigMap")["report-config"]["data"])
    assert given - SETTINGS - set(DAGSTERS_OWN) - FOREIGN - read_by_r == set()


def test_dagster_is_told_what_a_command_of_ours_tells_it(everything):
    data = of_kind(everything, "ConfigMap")["report-config"]["data"]
    assert {name: data[name] for name in DAGSTERS_OWN} == DAGSTERS_OWN


def test_values_take_every_setting_that_is_no_secret_and_that_the_chart_does_not_make_itself(everything):
    """A setting that a release brings is refused by a schema that does not know it."""
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    taken = set(schema["properties"]["settings"]["propertyNames"]["enum"])
    secret = {name.upper() for name, field in Settings.model_fields.items() if SecretStr in _types(field.annotation)}
    made = {
        "SEEDTEST_HOME", "S3_BUCKET", "AWS_REGION", "RUNS_AT_ONCE", "RUN_PODS_FILE", "API_DRAIN_SECS", "R_IRT_BASE_URL",
        "CLOUDFRONT_PRIVATE_KEY_FILE",
    }  # fmt: skip
    assert taken == SETTINGS - secret - made - {"LOCAL_DEV"}  # without tokens, on loopback: not in a cluster


def test_dagster_yaml_is_the_same_file_and_the_code_location_has_the_same_name(everything):
    data = of_kind(everything, "ConfigMap")["seedtest-dagster"]["data"]
    assert data["dagster.yaml"] == (CHECKOUT / "dagster.yaml").read_text()
    (here,) = yaml.safe_load((CHECKOUT / "workspace.yaml").read_text())["load_from"]
    (there,) = yaml.safe_load(data["workspace.yaml"])["load_from"]
    assert there["grpc_server"]["location_name"] == here["python_module"]["location_name"]


def test_what_a_pod_names_is_made_by_the_chart_or_is_told_to_the_operator(documents):
    told = set(re.findall(r"^ *\| `([a-z0-9-]+)` \|", _page("docs/operations/kubernetes.md"), re.MULTILINE))
    secrets, config_maps = set(run_pods(documents)["env_secrets"]), set(run_pods(documents)["env_config_maps"])
    for pod in pods(documents).values():
        for container in pod_policy.containers(pod):
            sources = container.get("envFrom", ())
            secrets |= {each["secretRef"]["name"] for each in sources if "secretRef" in each}
            config_maps |= {each["configMapRef"]["name"] for each in sources if "configMapRef" in each}
            secrets |= {
                each["valueFrom"]["secretKeyRef"]["name"] for each in container.get("env", ()) if "valueFrom" in each
            }
        secrets |= {each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each}
        config_maps |= {each["configMap"]["name"] for each in pod["volumes"] if "configMap" in each}
        if account := pod.get("serviceAccountName"):
            assert account in of_kind(documents, "ServiceAccount")
    assert secrets <= told
    assert config_maps <= of_kind(documents, "ConfigMap").keys()
    assert run_pods(documents)["service_account_name"] in of_kind(documents, "ServiceAccount")


def test_whoever_is_selected_is_there(documents):
    everyone = labels(documents).values()
    services = of_kind(documents, "Service")
    selectors = [service["spec"]["selector"] for service in services.values()]
    selectors += [
        each["spec"]["selector"]["matchLabels"] for each in of_kind(documents, "PodDisruptionBudget").values()
    ]
    for policy in of_kind(documents, "NetworkPolicy").values():
        selectors.append(policy["spec"]["podSelector"]["matchLabels"])
        peers = [peer for rule in policy["spec"].get("ingress", ()) for peer in rule.get("from", ())]
        selectors += [
            of for peer in peers if "podSelector" in peer
            if (of := peer["podSelector"]["matchLabels"]).get("app.kubernetes.io/name") == "seedtest"
        ]  # fmt: skip
    assert len(selectors) > 8
    assert [each for each in selectors if not any(each.items() <= pod.items() for pod in everyone)] == []
    ports = {
        port["name"]
        for pod in pods(documents).values() for container in pod["containers"] for port in container.get("ports", ())
    }  # fmt: skip
    assert {port["targetPort"] for service in services.values() for port in service["spec"]["ports"]} <= ports
    for scaler in of_kind(documents, "HorizontalPodAutoscaler").values():
        target = of_kind(documents, "Deployment")[scaler["spec"]["scaleTargetRef"]["name"]]
        assert "replicas" not in target["spec"]  # else each upgrade would undo what it scaled


def test_the_r_service_admits_runs_the_code_location_and_the_api_alone(everything):
    policy = of_kind(everything, "NetworkPolicy")["seedtest-r-irt"]["spec"]
    admitted = [peer["podSelector"]["matchLabels"] for rule in policy["ingress"] for peer in rule["from"]]
    who = {name for name, pod in labels(everything).items() if any(each.items() <= pod.items() for each in admitted)}
    assert who == {"run", "seedtest-code", "seedtest-api"}
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in policy


def test_the_api_has_the_time_to_end_that_its_page_says(documents):
    pod = pods(documents)["Deployment", "seedtest-api"]
    data = of_kind(documents, "ConfigMap")["report-config"]["data"]
    patience_s = float(data.get("API_TIMEOUT_SECS") or Settings.model_fields["api_timeout_secs"].default)
    assert pod["terminationGracePeriodSeconds"] > int(data["API_DRAIN_SECS"]) + patience_s + 13


def test_commands_of_ours_take_what_they_are_given(documents):
    commands = typer.main.get_command(app).commands
    given = [
        container["args"][1:]
        for pod in pods(documents).values() for container in pod_policy.containers(pod)
        if container.get("args", [""])[0] == "seedtest"
    ]  # fmt: skip
    assert {name for name, *_ in given} == {"api", "migrate"}
    for name, *arguments in given:
        commands[name].make_context(name, list(arguments))  # exits where an option is unknown


def test_a_million_stays_a_whole_number():
    """Helm reads numbers as floats: 3000000 became 3e+06, which no setting takes."""
    documents = render(CHART / "ci" / "minimal.yaml", settings__API_RATE_PER_MINUTE=3_000_000)
    assert of_kind(documents, "ConfigMap")["report-config"]["data"]["API_RATE_PER_MINUTE"] == "3000000"


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("image.repository=", "image.repository is missing: name the image that you pushed"),
        ("image.tag=latest", "image.tag is latest: name a release"),
        ("database.secret=", "database.secret is missing: name a Secret that has DATABASE_URL"),
        ("s3.bucket=", "s3.bucket is missing"),
        ("s3.secret=", "s3.secret is empty, and serviceAccount.annotations give the pods no identity"),
        ("settings.JWKS_URL=", "settings.JWKS_URL is missing: .* or api.enabled=false"),
        ("settings.DATABASE_URL=x", "invalid propertyName 'DATABASE_URL'"),
        ("api.replcas=2", "additional properties 'replcas' not allowed"),
        ("rIrt.enabled=true", "rIrt.image.repository is missing"),
    ],
)
def test_a_value_that_cannot_work_is_refused_by_its_name(value, complaint):
    refused = helm("template", "seedtest", str(CHART), "-f", str(CHART / "ci" / "minimal.yaml"), "--set", value)
    assert refused.returncode
    assert re.search(complaint, refused.stderr), refused.stderr


def _page(name: str) -> str:
    return (CHECKOUT / Path(name)).read_text("utf-8")


def _types(annotation: object) -> tuple[object, ...]:
    return (annotation, *getattr(annotation, "__args__", ()))
