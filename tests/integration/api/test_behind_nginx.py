"""The API behind nginx as docs/operations/nginx.conf sets it up: prefix, odd ids, whose address counts, IPv6."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.api.platform import adopt, end_session
from tests.integration.api.provider import AUDIENCE, ISSUER
from tests.integration.api.test_reads import PAGE, WEEK, publish
from tests.nginx import in_front_of
from tests.waiting import PATIENCE_S

ROOT = "/api/seedtest"
From = Callable[[str], httpx.Client]


@pytest.fixture
def behind(serve, provider, tmp_path: Path) -> Iterator[From]:
    """A client of nginx with this address of its own."""
    api = serve(
        local_dev=False, jwks_url=provider.url, jwt_iss=ISSUER, jwt_aud=AUDIENCE, api_root_path=ROOT,
        api_user_rate_per_minute=3,
    )  # fmt: skip
    with in_front_of(urlsplit(str(api.base_url)).netloc, tmp_path) as port, ExitStack() as closing:

        def client(address: str) -> httpx.Client:
            host = f"[{address}]" if ":" in address else "127.0.0.1"
            transport = httpx.HTTPTransport(local_address=address)
            return closing.enter_context(
                httpx.Client(
                    base_url=f"http://{host}:{port}",
                    transport=transport,
                    timeout=PATIENCE_S,
                    trust_env=False,
                    headers={"Authorization": f"Bearer {provider.token('es', sub='platform', scope='analysis:run')}"},
                )
            )

        yield client


def test_the_prefix_stays_and_ids_arrive_as_they_were_sent_by_either_protocol(engine, behind):
    adopt(engine)
    end_session(engine, "a/b", "s1", "10")
    for address in ("127.0.0.1", "::1"):
        client = behind(address)
        answer = client.post(f"{ROOT}/analysis/irt/update-theta", json={"user_id": "a/b"})
        assert answer.json()["status"] == "ok"
        found = client.get(f"{ROOT}/users/a%2Fb/theta")
        assert found.json()["user_id"] == "a/b"
        assert found.json()["current"] is not None
        assert client.head(f"{ROOT}/users/a%2Fb/theta").headers["content-length"] == found.headers["content-length"]
    assert client.get(f"{ROOT}/openapi.json").json()["servers"] == [{"url": ROOT}]
    long = "x" * 1900
    assert client.get(f"{ROOT}/users/{long}/theta").json()["user_id"] == long


def test_the_way_to_a_report_leads_through_the_gateway(engine, behind, tmp_path):
    """It began with /users, below which the gateway has nothing."""
    publish(engine, tmp_path, "a/b", WEEK, "html")
    client = behind("127.0.0.1")
    listed = client.get(f"{ROOT}/v1/users/a%2Fb/reports")
    (report,) = listed.json()["weeks"][0]["reports"]
    linked = client.get(f"{ROOT}/v1/users/a%2Fb/reports/{WEEK}", headers={"Accept": "application/json"})
    for answer, address in ((listed, report["href"]), (linked, linked.json()["url"])):
        assert address == f"{ROOT}/v1/users/a%2Fb/reports/2025-02-03?format=html"
        assert client.get(answer.url.join(address)).content == PAGE


def test_probes_and_metrics_are_not_for_the_outside(behind):
    for path in ("livez", "readyz", "metrics"):
        assert behind("127.0.0.1").get(f"{ROOT}/{path}").status_code == 404


def test_tokens_that_are_not_believed_are_counted_by_the_address_that_nginx_saw_whatever_the_caller_says(behind):
    def ask(address: str, **more: str) -> int:
        headers = {"Authorization": "Bearer forged.forged.forged", **more}
        return behind(address).get(f"{ROOT}/users/u1/theta", headers=headers).status_code

    assert [ask("127.0.0.2") for _ in range(4)] == [401, 401, 401, 429]
    assert ask("127.0.0.2", **{"X-Forwarded-For": "10.1.2.3"}) == 429, "a caller names itself"
    assert ask("127.0.0.3") == 401
    assert behind("127.0.0.2").get(f"{ROOT}/users/u1/theta").status_code == 200
