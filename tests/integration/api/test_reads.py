"""Abilities and reports over HTTP: what is stored, for whom, and the way to a report."""

import datetime as dt
import re
from html import unescape

import httpx
import numpy as np
import pytest
import sqlalchemy as sa

from resources.artifacts.folder import FolderStore
from resources.artifacts.s3 import S3Store
from resources.artifacts.store import report_key
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities, current_abilities
from resources.database.queries.estimates.current_abilities import Ability
from resources.database.queries.learners import learner_groups
from resources.database.queries.reports import report_artifacts
from resources.model import Edition, ReportArtifact, Thetas, Week
from tests.integration.api.platform import adopt
from tests.integration.api.provider import AUDIENCE, ISSUER
from tests.week_states import first_states

WEEK = Week.parse("2025-02-03")
NOW = dt.datetime(2025, 2, 12, 9, tzinfo=dt.UTC)
WEEK_LONG = dt.timedelta(days=7)
PAGE = b"<!doctype html><p>A report</p></html>"


def estimate(engine: sa.Engine, user_id: str, week: Week, theta: float) -> None:
    one = np.ones(1, np.int64)
    thetas = Thetas((user_id,), np.array([theta]), np.array([0.5]), one * 8, one, one, (), "2PL", "b1")
    with transaction(engine) as connection:
        abilities.store_week(connection, week, first_states(thetas), 30, NOW)


def publish(
    engine: sa.Engine,
    home,
    user_id: str,
    week: Week,
    format: str,  # noqa: A002 - the column
    content: bytes = PAGE,
    edition: Edition = "learner",
) -> None:
    key = report_key(week, user_id, format, edition)
    url = FolderStore(home / "artifacts").put(key, content, "")
    with transaction(engine) as connection:
        row = ReportArtifact(user_id, week, format, url, NOW, "00", "00", edition)
        report_artifacts.record(connection, [row])


def publish_in_s3(engine: sa.Engine, bucket: str, user_id: str) -> None:
    """A page of WEEK."""
    store = S3Store(bucket, "us-east-1", "none", None)
    url = store.put(report_key(WEEK, user_id, "html"), PAGE, "text/html; charset=utf-8")
    with transaction(engine) as connection:
        report_artifacts.record(connection, [ReportArtifact(user_id, WEEK, "html", url, NOW, "00")])


def test_the_current_ability_and_the_history_by_week(engine, api):
    adopt(engine)
    estimate(engine, "u1", WEEK, 0.25)
    estimate(engine, "u1", WEEK.plus(1), 0.5)
    estimate(engine, "u2", WEEK, 3.0)
    with transaction(engine) as connection:
        current_abilities.store(
            connection.connection.driver_connection, [Ability("u1", 0.75, 0.4, 9, "2PL", "b1", NOW + WEEK_LONG, NOW)]
        )
        current_abilities.store(
            connection.connection.driver_connection, [Ability("u1", 7.0, 0.4, 9, "2PL", "another bank", NOW, NOW)]
        )
    found = api.get("/users/u1/theta").json()
    assert found["current"] == {
        "theta": 0.75, "se": 0.4, "model": "2PL", "version": "b1", "n_items": 9,
        "as_of": "2025-02-19T09:00:00Z", "updated_at": "2025-02-12T09:00:00Z",
    }  # fmt: skip
    assert [(week["week"], week["theta"], week["n_items"]) for week in found["history"]] == [
        ("2025-02-03", 0.25, 8), ("2025-02-10", 0.5, 8),
    ]  # fmt: skip


def test_a_row_of_before_this_pipeline_has_no_as_of_and_is_shown_so(engine, api):
    adopt(engine)
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO mirt_ability (user_id, model, version, theta, se, fitted_at) "
            "VALUES ('u1', '2PL', 'b1', 1, 1, now())"
        )
    current = api.get("/users/u1/theta").json()["current"]
    assert (current["theta"], current["as_of"], current["n_items"]) == (1.0, None, None)


def test_a_user_who_was_never_estimated_has_nothing_with_a_bank_or_without(engine, api):
    assert api.get("/users/u1/theta").json() == {"user_id": "u1", "current": None, "history": []}
    adopt(engine)
    assert api.get("/users/u1/theta").json() == {"user_id": "u1", "current": None, "history": []}
    assert api.get("/users/u1/reports").json() == {"user_id": "u1", "weeks": []}


def test_reports_are_listed_newest_first_with_a_way_to_each_that_works(engine, api, tmp_path):
    user = "a/b?ü"
    publish(engine, tmp_path, user, WEEK, "html")
    publish(engine, tmp_path, user, WEEK, "pdf", b"%PDF-")
    publish(engine, tmp_path, user, WEEK.plus(1), "html")
    publish(engine, tmp_path, "u2", WEEK, "html")
    weeks = api.get("/users/a%2Fb%3F%C3%BC/reports").json()["weeks"]
    assert [(week["week"], [report["format"] for report in week["reports"]]) for week in weeks] == [
        ("2025-02-10", ["html"]), ("2025-02-03", ["html", "pdf"]),
    ]  # fmt: skip
    opened = [api.get(report["href"]) for week in weeks for report in week["reports"]]
    assert [(answer.status_code, answer.content) for answer in opened] == [(200, PAGE), (200, PAGE), (200, b"%PDF-")]


def test_a_teachers_edition_is_for_services_and_for_who_teaches_the_learner(engine, serve, provider, tmp_path):
    publish(engine, tmp_path, "u1", WEEK, "html")
    publish(engine, tmp_path, "u1", WEEK, "html", b"exact numbers", "teacher")
    publish(engine, tmp_path, "u2", WEEK, "html", b"exact numbers", "teacher")
    told = [("3-2", "t1", "teacher"), ("3-2", "u1", "learner"), ("4-1", "u2", "learner"), ("4-1", "t1", "learner")]
    rows = [{"group": group, "user_id": user, "role": role, "name": None} for group, user, role in told]
    with transaction(engine) as connection:
        learner_groups.store(connection, rows, only=False)
    api = serve(local_dev=False, jwks_url=provider.url, jwt_iss=ISSUER, jwt_aud=AUDIENCE)

    def ask(sub: str, scope: str, path: str) -> httpx.Response:
        token = provider.token("rs", sub=sub, scope=scope)
        return api.get(path, headers={"Authorization": f"Bearer {token}"})

    for reader in (("platform", "analysis:read"), ("t1", "class:read")):
        (week,) = ask(*reader, "/users/u1/reports?edition=teacher").json()["weeks"]
        (href,) = [report["href"] for report in week["reports"]]
        assert href == "/v1/users/u1/reports/2025-02-03?format=html&edition=teacher"
        assert (ask(*reader, href).status_code, ask(*reader, href).content) == (200, b"exact numbers")
    for sub, scope, user in (
        ("t1", "class:read", "u2"), ("t1", "class:read", "none"),
        ("u1", "report:read", "u1"), ("u1", "class:read", "u1"),
    ):  # fmt: skip
        for week in ("", "/2025-02-03"):
            assert ask(sub, scope, f"/users/{user}/reports{week}?edition=teacher").status_code == 403
    publish(engine, tmp_path, "u1", WEEK, "eml", b"For the family", "family")
    own, familys, teachers = PAGE, b"For the family", b"exact numbers"
    for sub, scope, user, shown in (
        ("platform", "analysis:read", "u1", [own, familys, teachers]),
        ("u1", "report:read", "u1", [own, familys]),
        ("u1", "report:read class:read", "u1", [own, familys]),  # who may read class reports, but teaches nobody
        ("t1", "class:read", "u1", [teachers]),
    ):
        index = ask(sub, scope, f"/users/{user}/reports/index.html")
        leads = [str(index.url.join(unescape(link))) for link in re.findall('href="([^"]+)"', index.text)]
        assert [ask(sub, scope, lead).content for lead in leads] == shown
        assert [named in index.text for named in ("For the family", "For the teacher")] == [
            familys in shown, teachers in shown,
        ]  # fmt: skip
    for sub, scope, user in (("t1", "class:read", "u2"), ("t1", "class:read", "none"), ("u1", "report:read", "u2")):
        assert ask(sub, scope, f"/users/{user}/reports/index.html").status_code == 403
    of_family = ask("u1", "report:read", "/users/u1/reports/2025-02-03?edition=family&format=eml")
    assert (of_family.content, of_family.headers["content-type"]) == (b"For the family", "message/rfc822")
    assert ask("t1", "class:read", "/users/u1/reports?edition=family").status_code == 403
    (week,) = ask("u1", "report:read", "/users/u1/reports").json()["weeks"]
    assert [report["href"] for report in week["reports"]] == ["/v1/users/u1/reports/2025-02-03?format=html"]


def test_a_report_in_a_folder_comes_from_here_and_can_do_nothing_but_look(engine, api, tmp_path):
    publish(engine, tmp_path, "u1", WEEK, "html")
    answer = api.get("/users/u1/reports/2025-02-03")
    assert (answer.status_code, answer.content) == (200, PAGE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    named = api.get("/users/u1/reports/2025-02-03", headers={"Accept": "application/json"}).json()
    assert named == {"url": "/v1/users/u1/reports/2025-02-03?format=html", "expires_at": None}


@pytest.mark.parametrize("path", ["u1/reports/2025-02-10", "u2/reports/2025-02-03", "u1/reports/2025-02-03?format=pdf"])
def test_a_report_that_was_not_made_is_not_found(engine, api, tmp_path, path):
    publish(engine, tmp_path, "u1", WEEK, "html")
    answer = api.get(f"/users/{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


def test_a_report_whose_file_is_gone_is_not_found(engine, api, tmp_path):
    publish(engine, tmp_path, "u1", WEEK, "html")
    FolderStore(tmp_path / "artifacts").delete(report_key(WEEK, "u1", "html"))
    assert api.get("/users/u1/reports/2025-02-03").status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("2025-02-04", "path.week"),
        ("x", "path.week"),
        ("1736121600", "path.week"),
        ("2025-02-03?format=doc", "query.format"),
    ],
)
def test_a_week_begins_on_a_monday_and_a_format_is_known(api, query, field):
    answer = api.get(f"/users/u1/reports/{query}")
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


def test_a_report_kept_in_another_store_got_a_link_to_nothing_and_is_not_found(engine, serve, s3_bucket, tmp_path):
    publish(engine, tmp_path, "u1", WEEK, "html")
    api = serve(s3_bucket=s3_bucket, aws_region="us-east-1")
    assert api.get("/users/u1/reports/2025-02-03").status_code == 404


def test_a_report_in_s3_is_a_redirect_to_a_short_lived_link_or_the_link_as_json(engine, serve, s3_bucket):
    publish_in_s3(engine, s3_bucket, "u1")
    api = serve(s3_bucket=s3_bucket, aws_region="us-east-1", report_link_secs=120)
    redirect = api.get("/users/u1/reports/2025-02-03")
    assert redirect.status_code == 302
    assert redirect.headers["cache-control"] == "no-store"
    linked = api.get("/users/u1/reports/2025-02-03", headers={"Accept": "application/json"})
    assert linked.headers["cache-control"] == "no-store"
    assert "etag" not in linked.headers
    link = linked.json()
    left = dt.datetime.fromisoformat(link["expires_at"]) - dt.datetime.now(dt.UTC)
    assert dt.timedelta(0) < left <= dt.timedelta(seconds=120)
    for address in (redirect.headers["location"], link["url"]):
        assert httpx.get(address, trust_env=False).content == PAGE


def test_the_page_of_a_learners_weeks_leads_to_each_report_and_shows_the_name_as_it_is(engine, serve, tmp_path):
    publish(engine, tmp_path, "a/b", WEEK, "html")
    publish(engine, tmp_path, "a/b", WEEK.plus(1), "pdf", b"%PDF-")
    with transaction(engine) as connection:
        row = {"group": "3-2", "user_id": "a/b", "role": "learner", "name": "<b>Ann"}
        learner_groups.store(connection, [row], only=False)
    for language, title in (("en", "Weekly reports"), ("ko", "주간 학습 보고서 목록")):
        api = serve(report_lang=language)
        page = api.get("/users/a%2Fb/reports/index.html")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert f'lang="{language}"' in page.text
        assert f"<h1>{title}</h1>" in page.text
        assert "&lt;b&gt;Ann" in page.text
        leads = [str(page.url.join(link)) for link in re.findall('href="([^"]+)"', page.text)]
        assert [httpx.get(lead).content for lead in leads] == [b"%PDF-", PAGE]
    assert "There is no report yet." in serve().get("/users/nobody/reports/index.html").text


def test_what_has_not_changed_is_not_sent_again_and_lies_in_nobodys_cache_but_the_callers(engine, api, tmp_path):
    adopt(engine)
    estimate(engine, "u1", WEEK, 0.25)
    publish(engine, tmp_path, "u1", WEEK, "html")
    paths = ["/users/u1/theta", "/users/u1/reports", "/users/u1/reports/index.html", "/users/u1/reports/2025-02-03"]
    first = {path: api.get(path) for path in paths}
    for path, answer in first.items():
        assert answer.headers["cache-control"] == "private, no-cache"
        etag = answer.headers["etag"]
        for said in ([etag], [f'"x", W/{etag}'], ['"x"', etag], ["*"]):  # the second of two lines was not read
            again = api.get(path, headers=[("If-None-Match", line) for line in said])
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
            # A browser gives the page that it has the headers of this: the page kept no style.
            policies = [one.headers["content-security-policy"] for one in (answer, again)]
            assert policies[0] == policies[1]
    estimate(engine, "u1", WEEK.plus(1), 0.5)
    publish(engine, tmp_path, "u1", WEEK, "html", b"another")
    publish(engine, tmp_path, "u1", WEEK.plus(1), "html")
    for path, answer in first.items():
        assert api.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 200


def test_an_etag_opens_nothing_to_who_may_not_read(engine, serve, provider):
    adopt(engine)
    api = serve(local_dev=False, jwks_url=provider.url, jwt_iss=ISSUER, jwt_aud=AUDIENCE)
    token = provider.token("rs", sub="u2", scope="report:read")
    asked = {"Authorization": f"Bearer {token}", "If-None-Match": "*"}
    assert api.get("/users/u1/theta", headers=asked).status_code == 403
    assert api.get("/users/u2/theta", headers=asked).status_code == 304
