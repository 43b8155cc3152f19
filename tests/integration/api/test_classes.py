"""Class reports over HTTP: a teacher has those of the own groups, a service all, and nobody else any."""

import datetime as dt

import httpx
import pytest
import sqlalchemy as sa

from resources.artifacts.folder import FolderStore
from resources.artifacts.store import class_report_key
from resources.database.engine import transaction
from resources.database.queries.learners import learner_groups
from resources.database.queries.reports import class_reports
from resources.model import ClassArtifact, Week
from tests.integration.api.provider import AUDIENCE, ISSUER

WEEK = Week.parse("2025-02-03")
NOW = dt.datetime(2025, 2, 12, 9, tzinfo=dt.UTC)
GROUP = "3/2 나"
HREF = "/classes/3%2F2%20%EB%82%98/reports"


def publish(engine: sa.Engine, home, group: str, week: Week = WEEK, form: str = "html") -> None:
    url = FolderStore(home / "artifacts").put(class_report_key(week, group, form), b"<p>A class</p></html>", "")
    with transaction(engine) as connection:
        class_reports.record(connection, [ClassArtifact(group, week, form, url, NOW, "00", "00", ("u1",))])


@pytest.fixture
def told(engine: sa.Engine, tmp_path) -> None:
    rows = [(GROUP, "t1", "teacher"), (GROUP, "u1", "learner"), ("4-1", "t2", "teacher"), ("4-1", "t1", "learner")]
    with transaction(engine) as connection:
        learner_groups.store(
            connection, [{"group": g, "user_id": u, "role": r, "name": None} for g, u, r in rows], only=False
        )
    for group in (GROUP, "4-1"):
        publish(engine, tmp_path, group)
    publish(engine, tmp_path, GROUP, WEEK.plus(1))


@pytest.fixture
def ask(serve, provider, told):
    api: httpx.Client = serve(local_dev=False, jwks_url=provider.url, jwt_iss=ISSUER, jwt_aud=AUDIENCE)

    def ask(path: str, sub: str, scope: str, accept: str = "*/*") -> httpx.Response:
        token = provider.token(sub=sub, scope=scope)
        return api.get(path, headers={"Authorization": f"Bearer {token}", "Accept": accept})

    return ask


def test_a_teacher_has_the_reports_of_the_own_groups(ask):
    assert ask("/classes", "t1", "class:read").json() == {"groups": [GROUP]}
    weeks = ask(HREF, "t1", "class:read").json()["weeks"]
    assert [week["week"] for week in weeks] == ["2025-02-10", "2025-02-03"]
    answer = ask(weeks[0]["reports"][0]["href"], "t1", "class:read")
    assert (answer.status_code, answer.content) == (200, b"<p>A class</p></html>")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    named = ask(f"{HREF}/2025-02-03", "t1", "class:read", "application/json").json()
    assert named == {"url": f"/v1{HREF}/2025-02-03?format=html", "expires_at": None}


def test_a_service_has_all(ask):
    assert ask("/classes", "platform", "analysis:run").json() == {"groups": [GROUP, "4-1"]}
    assert ask("/classes/4-1/reports/2025-02-03", "platform", "analysis:run").status_code == 200


@pytest.mark.parametrize(
    ("path", "sub", "scope"),
    [
        ("/classes/4-1/reports", "t1", "class:read"),  # a learner there
        ("/classes/4-1/reports/2025-02-03", "t1", "class:read"),
        ("/classes/5-9/reports/2025-02-03", "t1", "class:read"),  # no such group: it looks alike
        (f"{HREF}/2025-02-03", "u1", "class:read"),
        (f"{HREF}/2025-02-03", "t1", "report:read"),
        (f"{HREF}/2025-02-03", "t1", "class:read:all"),
        ("/classes", "t1", "exam:write report:read"),
    ],
)
def test_nobody_else_has_any(ask, path, sub, scope):
    answer = ask(path, sub, scope)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")


def test_what_was_not_made_is_not_found(ask):
    assert ask("/classes", "u1", "class:read").json() == {"groups": []}
    for path in (f"{HREF}/2025-02-17", f"{HREF}/2025-02-03?format=pdf"):
        assert ask(path, "t1", "class:read").status_code == 404
    assert ask("/classes/none/reports", "platform", "analysis:run").json() == {"group": "none", "weeks": []}
    assert ask(f"{HREF}/2025-02-04", "t1", "class:read").status_code == 422
