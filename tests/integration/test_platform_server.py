"""A platform's own server: another PostgreSQL than the embedded one, in Seoul's time, behind PgBouncer, with a table
whose instants have no time zone.
"""

import datetime as dt
from contextlib import ExitStack

import dagster as dg
import httpx
import psycopg
import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine, transaction
from resources.database.schema import migrate
from seedtest_pipeline import doctor
from seedtest_pipeline.runs import Runner
from tests import installed_postgres
from tests.integration import deployment
from tests.integration.api.serving import serving
from tests.integration.deployment import FIRST, quiet
from tests.pgbouncer import pooling

_PLATFORM = """
    ALTER DATABASE postgres SET timezone = 'Asia/Seoul';
    CREATE TABLE exam_results (
        id bigserial PRIMARY KEY, user_id text NOT NULL, session_id text NOT NULL, exam_id text, status text,
        result_json jsonb, created_at timestamp, updated_at timestamp
    )
"""


@pytest.fixture
def server_url(tmp_path):
    (tmp_path / "server").mkdir()
    with installed_postgres.running(tmp_path / "server") as url:
        engine = make_engine(url)
        with transaction(engine) as connection:
            connection.execute(sa.text(_PLATFORM))
        engine.dispose()
        yield url


def test_a_week_and_an_update_behind_a_pooler_know_what_time_it_is(server_url, tmp_path, monkeypatch):
    """Dagster's nine tables lay among the platform's, and an answer of 09:00Z was stored as one of 00:00Z."""
    exam = deployment.exam()
    with pooling(server_url, tmp_path, pool_size=2) as url:
        engine = make_engine(url)
        migrate.upgrade(engine)
        engine.dispose()
        parts = deployment.deployed(monkeypatch, tmp_path, url, exam, "4")
        deployment.adopt_true_bank(parts, exam)
        with dg.DagsterInstance.get() as instance:
            instance.optimize_for_webserver(statement_timeout=15_000, pool_recycle=3600, max_overflow=20)
            Runner(parts, quiet, instance).weeks([FIRST])
        assert _time_limits(url) == {"0"}  # of others' statements
        assert len(deployment.reports(parts)) == len(deployment.estimates(parts)) > 0
        local = parts.settings.model_copy(update={"local_dev": True})
        with serving(local) as api:
            asked = httpx.post(
                f"{api}/analysis/irt/update-theta", json={"user_id": exam.responses["user_id"][0]}, trust_env=False
            )
            ready = httpx.get(f"{api}/readyz", trust_env=False).json()
        database = next(doctor.examine(parts))
        parts.engine.dispose()
    assert database.ok
    assert database.detail.endswith(", behind a pooler")
    assert ready["ready"], ready
    assert asked.json()["status"] == "noop", asked.text  # its last answer is older than the look-back
    _check_times(server_url, exam)


def _time_limits(url) -> set[str]:
    """What other clients of the pooler find."""
    with ExitStack() as clients:
        found = set()
        for _ in range(4):
            client = clients.enter_context(psycopg.connect(url.replace("+psycopg", "")))
            found.add(client.execute("SHOW statement_timeout").fetchone()[0])
            client.commit()
    return found


def _check_times(url, exam) -> None:
    engine = make_engine(url)
    with transaction(engine) as connection:
        first, made, schemas = connection.execute(
            sa.text("""
                SELECT (SELECT min(created_at) FROM exam_results),
                    (SELECT max(create_timestamp) FROM dagster.runs),
                    (SELECT array_agg(DISTINCT schemaname::text) FROM pg_tables
                     WHERE tablename IN ('runs', 'event_logs', 'daemon_heartbeats', 'jobs'))
            """)
        ).one()
    engine.dispose()
    assert schemas == ["dagster"]
    assert first.replace(tzinfo=dt.UTC) == min(exam.responses["answered_at"])
    assert abs(dt.datetime.now(dt.UTC) - made.replace(tzinfo=dt.UTC)) < dt.timedelta(minutes=10)
