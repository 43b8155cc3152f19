"""What the database refuses, on every route that asks it: try again later, or a person has to look."""

import pytest

from resources.database.engine import transaction
from tests.integration.api.platform import adopt, end_session

LATER = (503, "/problems/database-unavailable", "5")
A_PERSON = (500, "/problems/internal", None)
ANSWERS = {
    "08006": LATER,  # the connection broke
    "25006": LATER,  # read-only, after a failover
    "25P03": LATER,  # idle in a transaction for too long
    "40001": LATER,  # another transaction goes first
    "40P01": LATER,  # deadlock
    "42501": A_PERSON,  # no privilege
    "42703": A_PERSON,  # a mistake in a statement
    "42P01": A_PERSON,  # no such table
    "53100": LATER,  # the disk is full
    "53200": LATER,  # no memory
    "53300": LATER,  # too many connections
    "55P03": LATER,  # a lock is held for too long
    "57014": LATER,  # the statement took too long
    "57P01": LATER,  # the server stops
    "57P03": LATER,  # the server starts
    "58030": LATER,  # the disk is broken
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
        for table in ("theta_estimates", "seedtest_report_artifacts"):
            connection.exec_driver_sql(_FAILING.format(table).replace("TABLE fault", "TABLE IF NOT EXISTS fault"))
    return engine


def test_every_refusal_of_the_database_is_the_same_on_every_route(failing, api, caplog):
    """A read that waited too long for a lock was 500, where an update was 503."""
    found = {}
    for code in ANSWERS:
        with transaction(failing) as connection:
            connection.exec_driver_sql("DELETE FROM fault")
            connection.exec_driver_sql("INSERT INTO fault VALUES (%(code)s)", {"code": code})
        for answer in (
            api.get("/users/u1/theta"),
            api.get("/users/u1/reports"),
            api.get("/users/u1/reports/2025-02-03"),
            api.post("/analysis/irt/update-theta", json={"user_id": "u1"}),
        ):
            one = (answer.status_code, answer.json()["type"], answer.headers.get("Retry-After"))
            found.setdefault(code, set()).add(one)
    assert found == {code: {answer} for code, answer in ANSWERS.items()}
    assert "secret-learner" not in caplog.text


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
