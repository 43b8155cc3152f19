"""What the database refuses, on every route that asks it: try again later, or a person has to look."""

import pytest

from resources.database import faults
from resources.database.engine import transaction
from tests.integration.api.platform import adopt, end_session

LATER = (503, "/problems/database-unavailable", "5")
A_PERSON = (500, "/problems/internal", None)
ANSWERS = {
    "08006": LATER,  # the connection broke
    "25006": LATER,  # read-only, after a failover
    "25P03": LATER,  # idle in a transaction for too long
    "25P04": LATER,  # in a transaction for too long
    "28P01": LATER,  # the password was changed
    "3D000": LATER,  # the database is gone
    "40001": LATER,  # another transaction goes first
    "40P01": LATER,  # deadlock
    "42501": A_PERSON,  # no privilege
    "42703": A_PERSON,  # a mistake in a statement
    "42P01": A_PERSON,  # no such table
    "53000": LATER,  # short of something
    "53100": LATER,  # the disk is full
    "53200": LATER,  # no memory
    "53300": LATER,  # too many connections
    "55P03": LATER,  # a lock is held for too long
    "57014": LATER,  # the statement took too long
    "57P01": LATER,  # the server stops
    "57P03": LATER,  # the server starts
    "57P05": LATER,  # idle for too long
    "58030": LATER,  # the disk is broken
}
ROUTES = {
    "GET /users/{user_id}/theta": lambda api: api.get("/users/u1/theta"),
    "GET /analysis/irt/theta": lambda api: api.get("/analysis/irt/theta?user_id=u1"),
    "GET /users/{user_id}/reports": lambda api: api.get("/users/u1/reports"),
    "GET /users/{user_id}/reports/index.html": lambda api: api.get("/users/u1/reports/index.html"),
    "GET /classes": lambda api: api.get("/classes"),
    "GET /classes/{group}/reports": lambda api: api.get("/classes/7B/reports"),
    "GET /classes/{group}/reports/{week}": lambda api: api.get("/classes/7B/reports/2025-02-03"),
    "GET /users/{user_id}/reports/{week}": lambda api: api.get("/users/u1/reports/2025-02-03"),
    "POST /analysis/irt/update-theta:batch": lambda api: api.post(
        "/analysis/irt/update-theta:batch", json={"user_ids": ["u1"]}
    ),
    "POST /analysis/irt/update-theta": lambda api: api.post("/analysis/irt/update-theta", json={"user_id": "u1"}),
}
# Tables of which every route reads one, in whose place something stands that fails with the code in `fault`.
_FAILING = """
    CREATE TABLE fault (code text);
    ALTER TABLE {0} RENAME TO {0}_kept;
    CREATE FUNCTION failing_{0}() RETURNS SETOF {0}_kept LANGUAGE plpgsql AS $$
        BEGIN RAISE 'made up' USING ERRCODE = (SELECT code FROM fault), DETAIL = 'of secret-learner'; END
    $$;
    CREATE VIEW {0} AS SELECT * FROM failing_{0}()
"""


@pytest.fixture
def failing(engine):
    adopt(engine)
    end_session(engine, "u1", "s1", "10")
    with transaction(engine) as connection:
        for table in ("theta_estimates", "seedtest_report_artifacts", "class_reports"):
            connection.exec_driver_sql(_FAILING.format(table).replace("TABLE fault", "TABLE IF NOT EXISTS fault"))
    return engine


def test_every_refusal_of_the_database_is_the_same_on_every_route(failing, api, caplog):
    """A read that waited too long for a lock was 500, where an update was 503."""
    found = {}
    for code in ANSWERS:
        with transaction(failing) as connection:
            connection.exec_driver_sql("DELETE FROM fault")
            connection.exec_driver_sql("INSERT INTO fault VALUES (%(code)s)", {"code": code})
        for ask in ROUTES.values():
            answer = ask(api)
            one = (answer.status_code, answer.json()["type"], answer.headers.get("Retry-After"))
            found.setdefault(code, set()).add(one)
    assert found == {code: {answer} for code, answer in ANSWERS.items()}
    assert "secret-learner" not in caplog.text


def test_the_test_above_knows_every_route_and_every_fault(api):
    document = api.get("/openapi.json").json()
    described = {
        f"{method.upper()} {path.removeprefix('/v1')}"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "security" in operation
    }
    assert described == set(ROUTES)
    assert [fault for fault in faults._FAULTS if not any(code.startswith(fault) for code in ANSWERS)] == []


def test_a_database_that_takes_no_writes_is_not_ready_and_ready_once_it_does(engine, api):
    """After a failover /readyz was green, and every update failed."""

    def ready() -> dict[str, bool]:
        return {name: check["ok"] for name, check in api.get("/readyz").json()["checks"].items()}

    def read_only(yes: str) -> None:
        with transaction(engine) as connection:
            connection.exec_driver_sql(
                f'ALTER DATABASE "{engine.url.database}" SET default_transaction_read_only = {yes}'
            )

    read_only("on")
    assert ready() == {"database": False, "migrations": True, "estimator": True, "keys": True}
    answer = api.post("/analysis/irt/update-theta", json={"user_id": "u1"})
    read_only("off")
    assert answer.json()["status"] == "noop"  # nothing to write
