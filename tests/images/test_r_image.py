"""The image of the R service, as a container that may write in one folder alone."""

import httpx
import pytest

from resources import ports
from tests.images import container
from tests.waiting import until

ONE = {"item_params": {"1": {"a": 1.0, "b": 0.0}}, "responses": [{"item_id": "1", "is_correct": True}]}


@pytest.fixture
def port():
    return ports.probe("127.0.0.1", 0)


def test_it_estimates_says_that_it_has_no_mirt_and_ends_on_sigterm(r_image, volume, port):
    settings = {"R_IRT_PORT": str(port), "R_IRT_HOST": "127.0.0.1", "R_IRT_INTERNAL_TOKEN": "a token"}
    url, token = f"http://127.0.0.1:{port}", {"Authorization": "Bearer a token"}
    with container.serving(r_image, r_image.config["Cmd"], volume, settings) as service:
        until(lambda: service.poll() is not None or container.answers(f"{url}/healthz"))
        scored = httpx.post(f"{url}/irt/score", json=ONE, headers=token)
        assert scored.json()["theta"] > 0, scored.text
        assert httpx.post(f"{url}/irt/score", json=ONE).status_code == 401
        assert httpx.get(f"{url}/healthz").json()["mirt"] is None
        healthy = [part.replace(":8000", f":{port}") for part in r_image.healthcheck]
        assert container.run(r_image, healthy, volume).returncode == 0
    assert service.returncode == 143  # R ended by SIGTERM, which as process 1 it would not have heard of
    ended = container.run(r_image, healthy, volume)
    assert ended.returncode != 0


def test_it_has_no_rights(r_image, volume):
    asked = container.run(r_image, ["sh", "-c", "id -u; touch /opt/here; touch /tmp/here && echo written"], volume)
    assert asked.stdout.split() == ["10001", "written"]
    assert "Read-only file system" in asked.stderr
