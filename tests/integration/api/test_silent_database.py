"""A database that says nothing, whoever is asked: it hangs, or its host has vanished. Others are answered, requests are
503 in time, and all is well again when it is back."""

import time
from collections.abc import Iterator

import httpx
import pytest
import sqlalchemy as sa

from resources.database.engine import transaction
from resources.errors import DatabaseUnavailable
from seedtest_pipeline.api.metrics import Metrics
from seedtest_pipeline.api.service import make_service
from seedtest_pipeline.settings import Settings
from tests.integration.api.platform import adopt, end_session
from tests.integration.silent_proxy import SilentProxy, silent_proxy
from tests.waiting import until

TIMEOUT_S = 4.0  # more than a look at the database may take, which `/readyz` waits for
UPDATE = "/analysis/irt/update-theta"


@pytest.fixture
def proxy(database_url: str) -> Iterator[SilentProxy]:
    url = sa.make_url(database_url)
    with silent_proxy(url.host, url.port) as proxy:
        yield proxy


@pytest.fixture
def api(engine: sa.Engine, serve, database_url: str, proxy: SilentProxy) -> httpx.Client:
    adopt(engine)
    end_session(engine, "u1", "s1", "10")
    there = sa.make_url(database_url).set(port=proxy.port).render_as_string(hide_password=False)
    return serve(database_url=there, api_timeout_secs=TIMEOUT_S)


def ready(api: httpx.Client) -> tuple[int, dict[str, bool]]:
    found = api.get("/readyz")
    return found.status_code, {name: check["ok"] for name, check in found.json()["checks"].items()}


def test_requests_are_503_in_time_probes_tell_what_it_is_and_all_is_well_afterwards(api, proxy):
    """All threads waited for a quarter of an hour, and what was well looked dead, too."""
    assert api.get("/users/u1/theta").status_code == 200
    assert ready(api)[0] == 200
    proxy.speaks = False
    begun = time.monotonic()
    for ask in (lambda: api.get("/users/u1/theta"), lambda: api.post(UPDATE, json={"user_id": "u1"})):
        answer = ask()
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/database-unavailable")
    assert time.monotonic() - begun < 20, "for each a request's time, on a machine that does something else"
    status, checks = ready(api)
    assert checks == {"database": False, "migrations": False, "estimator": True, "keys": True}
    assert status == 200, "it was there a moment ago"
    until(lambda: ready(api)[0] == 503)
    assert api.get("/livez").status_code == 200
    proxy.speaks = True
    until(lambda: ready(api)[0] == 200)
    assert api.post(UPDATE, json={"user_id": "u1"}).json()["status"] == "ok"


def test_the_end_waits_for_no_statement(database_url, tmp_path):
    patient = Settings.load(seedtest_home=tmp_path, database_url=database_url, api_timeout_secs=300)
    service = make_service(patient, Metrics())

    def wait() -> None:
        with transaction(service.engine) as connection:
            connection.exec_driver_sql("SELECT pg_sleep(140)")

    waiting = service.threads.submit(wait)
    until(lambda: service.engine.pool.checkedout() == 1)
    begun = time.monotonic()
    service.close()
    assert time.monotonic() - begun < 60
    assert isinstance(waiting.exception(), DatabaseUnavailable)


def test_one_that_lets_nobody_in_is_503_too(api, proxy):
    proxy.speaks = False
    assert api.get("/users/u1/theta").json()["type"] == "/problems/database-unavailable"
