"""A platform moves in: the predecessor's database, migrated twice, calibrated, run for two weeks, read by its own
queries and over HTTP, compared as the page says, and given back."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine, transaction
from resources.database.queries.dagster_history import SCHEMA as DAGSTER
from resources.database.schema import migrate
from seedtest_pipeline.settings import Settings
from tests.e2e.conftest import CHECKOUT, WEEKS, Type
from tests.integration.api.serving import serving
from tests.predecessor import ROWS, SCHEMA
from tests.unit.database.platform_database import execute, snapshot

PAGE = CHECKOUT / "docs" / "operations" / "coming-from-seedtest-api.md"
LEARNERS = [f"U{number}" for number in range(1, 60)] + ["1060"]  # one is a number as text
ITEMS = list(range(1003, 1013))
_SESSION = sa.text(
    "INSERT INTO exam_results (session_id, user_id, exam_id, status, result_json, created_at, updated_at) "
    "VALUES (:session_id, :user_id, 7, :status, :result, :created_at, "
    "CAST(:created_at AS timestamptz) + CAST(:later AS interval))"
)


def _questions(rng: np.random.Generator, ability: float, week: int) -> list[dict[str, object]]:
    """As the code of either version writes them: ids as numbers or text, topics or none, later with times and hints."""
    questions: list[dict[str, object]] = []
    for place, item in enumerate(ITEMS):
        right = bool(rng.random() < 1 / (1 + np.exp((place - 4.5) / 3 - ability)))
        question: dict[str, object] = {
            "question_id": item if place % 2 else str(item), "is_correct": right, "user_answer": "B",
            "topic": ("algebra", "general", None)[place % 3],
        }  # fmt: skip
        questions.append(question | ({"time_spent_sec": 12.5, "used_hints": 0} if week else {}))
    return questions


def _sessions() -> list[dict[str, object]]:
    rng = np.random.default_rng(20251102)
    abilities = rng.normal(size=len(LEARNERS))
    sessions = [
        _session(user, f"{user}-{week}", {"questions": _questions(rng, ability, week), "score": {"raw": 5}}, monday)
        for week, monday in enumerate(WEEKS)
        for user, ability in zip(LEARNERS, abilities, strict=True)
    ]
    sessions[0]["later"] = "300 days"  # computed anew: U1's answers of the first week
    odd = [
        ("U2", {"questions": []}), ("U2", {}), (None, {"questions": [{"question_id": 1003, "is_correct": True}]}),
        ("U3", {"questions": [{"question_id": None, "is_correct": True}, {"question_id": "1003", "is_correct": None}]}),
    ]  # fmt: skip
    sessions += [_session(user, f"odd-{n}", result, WEEKS[0]) for n, (user, result) in enumerate(odd)]
    failed = _session("U4", "failed", {"error": "no score"}, WEEKS[0])
    return [*sessions, failed | {"status": "failed"}]


def _session(user: str | None, session: str, result: object, monday: str) -> dict[str, object]:
    return {
        "session_id": session, "user_id": user, "status": "ready", "result": json.dumps(result),
        "created_at": f"{monday} 10:00Z", "later": "40 minutes",
    }  # fmt: skip


@pytest.fixture
def owner(empty_database_url: str) -> Iterator[sa.Engine]:
    """The platform's, on the predecessor's database."""
    engine = make_engine(empty_database_url)
    execute(engine, SCHEMA)
    execute(engine, ROWS)
    execute(engine, "UPDATE mirt_ability SET fitted_at = '2024-10-31'")
    with transaction(engine) as connection:
        connection.execute(_SESSION, _sessions())
    yield engine
    engine.dispose()


@pytest.fixture
def role_url(owner: sa.Engine, empty_database_url: str) -> Iterator[str]:
    """Of a role with just what the page gives it."""
    role = empty_database_url.rsplit("/", 1)[1] + "_seedtest"
    (rights,) = [block for block in _sql_of_the_page() if "CREATE ROLE" in block]
    execute(owner, re.sub(r"\bseedtest\b", role, rights))
    yield sa.make_url(empty_database_url).set(username=role, password="…").render_as_string(hide_password=False)
    execute(owner, f'DROP SCHEMA {DAGSTER} CASCADE; DROP OWNED BY "{role}" CASCADE; DROP ROLE "{role}"')


def _sql_of_the_page() -> list[str]:
    return re.findall(r"^ *```sql\n(.*?)^ *```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def _ask(engine: sa.Engine, query: str) -> list[tuple[object, ...]]:
    with transaction(engine) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_nothing_is_lost_and_nothing_answers_500(
    owner: sa.Engine, role_url: str, type_: Type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = snapshot(owner)
    monkeypatch.setenv("DATABASE_URL", role_url)
    monkeypatch.setenv("IRT_MODEL", "Rasch")  # which few learners are enough for
    assert type_("migrate").exit_code == 0
    execute(owner, f'REVOKE CREATE ON SCHEMA public FROM "{sa.make_url(role_url).username}"')
    assert type_("migrate").exit_code == 0  # a second one needs no right to create

    calibrated = type_("calibrate", "--json")
    assert calibrated.exit_code == 0, calibrated.err
    made = type_("run", "--week", WEEKS[0], "--through", WEEKS[1], "--json")
    assert made.exit_code == 0, made.err
    # U1's first week stands where it was, though the session was computed anew three hundred days later.
    first_week = "SELECT n_items FROM theta_estimates WHERE user_id = 'U1' AND week_start = '2025-01-06'"
    assert _ask(owner, first_week) == [(len(ITEMS),)]
    responses = json.loads(made.out)["assets"]["responses"]
    assert responses["answers of sessions computed anew later, by the session's beginning"] == len(ITEMS)
    for why in (
        "the platform reports an error instead of answers", "question_id is neither text nor a number",
        "the session has no user_id",
    ):  # fmt: skip
        assert responses[f"left out, since {why}"] == 1

    for arguments in (["artifacts", "check"], ["artifacts", "prune", "--before", "2024-01-01", "--yes"]):
        assert type_(*arguments).exit_code == 0
    told = {finding["part"]: finding for finding in json.loads(type_("doctor", "--json").out)}
    assert (told["rights"]["ok"], told["predecessor"]["ok"]) == (True, True)
    assert "1 abilities in its tables can be read, 0 and 1 are not whole" in told["predecessor"]["detail"]
    _answered_over_http(tmp_path, role_url)
    _compared(json.loads(type_("compare", "--json").out))
    assert set(_theirs(before)) <= set(snapshot(owner))

    _change_over(owner, told["predecessor"]["detail"])
    newest = "SELECT version, theta FROM mirt_ability WHERE user_id = 'U1' ORDER BY fitted_at DESC LIMIT 1"
    ((version, _),) = _ask(owner, newest)
    assert version != "v1"
    reports = "SELECT week_start::text FROM report_artifacts WHERE user_id = 'U1' ORDER BY week_start"
    assert _ask(owner, reports) == [("2025-01-06",), ("2025-01-13",), ("2025-10-29",)]
    assert _ask(owner, "SELECT params ->> 'a' FROM mirt_item_params WHERE item_id = '1003'") == [("1.1",)]
    assert set(_theirs(before, granted=True)) <= set(snapshot(owner))

    limited = make_engine(role_url)
    execute(owner, f'GRANT CREATE ON SCHEMA public TO "{limited.url.username}"')
    migrate.downgrade(limited)
    limited.dispose()
    assert _theirs(snapshot(owner), granted=True) == _theirs(before, granted=True)


def _theirs(rows: list[tuple[object, ...]], *, granted: bool = False) -> list[tuple[object, ...]]:
    """But the view, whose owner the page changes, and where rights were `granted`, the relations' own lines."""
    relations = {"r", "v", "i", "S"}
    return [row for row in rows if "attempt" not in repr(row) and not (granted and row[1:2] and row[1] in relations)]


def _answered_over_http(home: Path, role_url: str) -> None:
    settings = Settings.load(seedtest_home=home / "the home", database_url=role_url, local_dev=True)
    with serving(settings) as url, httpx.Client(base_url=url, timeout=60, trust_env=False) as api:
        for user in ("U1", "U2", "1060", "nobody"):
            for path in (f"/users/{user}/theta", f"/users/{user}/reports", f"/analysis/irt/theta?user_id={user}"):
                assert api.get(path).status_code == 200, path
        updated = api.post("/analysis/irt/update-theta", json={"user_id": 1060, "lookback_days": "30"})
        assert updated.status_code == 200, updated.text
        weeks = [week["week"] for week in api.get("/users/U1/reports").json()["weeks"]]
        assert weeks == [*reversed(WEEKS)]


def _compared(told: Mapping[str, Any]) -> None:
    counts = ("learners_in_both", "only_ours", "only_theirs", "rows_of_theirs_left_out")
    assert [told[name] for name in counts] == [1, len(LEARNERS) - 1, 0, 1]  # U2's row has no standard error
    assert [tuple(row.values()) for row in told["reports"]] == [
        (WEEKS[0], 0, len(LEARNERS)), (WEEKS[1], 0, len(LEARNERS)), ("2025-10-27", 1, 0),
    ]  # fmt: skip


def _change_over(owner: sa.Engine, told: str) -> None:
    execute(owner, " ".join(re.findall(r"GRANT [^;]*;", told)))
    (follow,) = [block for block in _sql_of_the_page() if "SET fitted_at = fitted_at" in block]
    execute(owner, follow)
