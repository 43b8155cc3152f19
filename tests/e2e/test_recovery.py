"""What a daemon run survives by itself: a database that restarts, and a machine that does."""

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from assets.partitions import range_tags
from assets.user_keys import UserKeys
from resources.database.engine import make_engine
from resources.database.schema import migrate
from resources.model import Week
from resources.postgres import embedded
from resources.postgres.server_folder import ServerFolder, opened, try_lock
from tests.e2e import dagster_ui
from tests.e2e.conftest import N_USERS, WEEKS, Shell, put_exam
from tests.e2e.dagster_ui import WEEKLY
from tests.waiting import SELDOM_S, until

N_BUCKETS = 4
ENDED = ("SUCCESS", "FAILURE", "CANCELED")
OUTAGE_S = 20.0  # the longest time in which a run on a busy machine asks the database for nothing, and 6 s
# Dagster's monitoring looks every 20 s, and twice; what is more is the start of Dagster on a busy machine.
ENDED_WITHIN_S = 60.0


@dataclass(frozen=True)
class Buckets(Shell):
    """Users in hash buckets, whose keys need no sensor."""

    @property
    def environment(self) -> Mapping[str, str]:
        return {**super().environment, "USER_PARTITIONS": str(N_BUCKETS)}


@dataclass(frozen=True)
class Server:
    """A PostgreSQL of one test alone, which may be stopped; it comes back under the same address."""

    home: Path

    @property
    def url(self) -> str:
        return embedded.connect_url(self.home, "exam")

    def stop(self) -> None:
        folder = ServerFolder(self.home.resolve() / "postgres")
        os.kill(json.loads(folder.state.read_text())["supervisor_pid"], signal.SIGTERM)
        with opened(folder.data_lock) as lock:
            until(lambda: try_lock(lock))


@pytest.fixture
def server(tmp_path) -> Server:
    return Server(tmp_path / "database")


@pytest.fixture
def engine(server, responses: pd.DataFrame) -> Iterator[sa.Engine]:
    engine = make_engine(server.url)
    migrate.upgrade(engine)
    put_exam(engine, responses)
    yield engine
    engine.dispose()


@pytest.fixture
def shell(tmp_path, server, engine) -> Shell:
    return Buckets(tmp_path / "the home", server.url)


@pytest.fixture
def everything() -> dict[str, str]:
    """Tags of one run of all weeks and learners."""
    weeks = [Week.parse(week) for week in WEEKS]
    return range_tags(weeks, UserKeys(N_BUCKETS).fixed)


def test_a_run_in_the_daemon_outlasts_a_database_that_is_away_for_20_seconds(
    shell, server, engine, everything, tmp_path
):
    """Dagster gave up its own log after 6 s, and with it the run, whose assets would have waited for minutes."""
    with dagster_ui.started(shell, tmp_path / "log") as ui:
        run_id = ui.launch(WEEKLY, everything)
        _wait_for_some_reports(shell)
        server.stop()
        time.sleep(OUTAGE_S)
        assert server.url == shell.database_url
        assert len(_pages(shell)) < len(WEEKS) * N_USERS
        until(lambda: _runs(engine)[run_id] in ENDED, every_s=SELDOM_S)
        assert _runs(engine) == {run_id: "SUCCESS"}  # and not by being tried again from the beginning
    _assert_every_report_is_made(engine)


def test_after_a_power_cut_a_run_is_ended_within_a_minute_and_tried_again(shell, engine, everything, tmp_path):
    """It stayed "started" for half a day, and two of them kept every other run waiting."""
    with dagster_ui.started(shell, tmp_path / "log") as ui:
        run_id = ui.launch(WEEKLY, everything)
        _wait_for_some_reports(shell)
        dagster_ui.kill(dagster_ui.processes_of(shell))
    assert _runs(engine)[run_id] == "STARTED"
    recorded = _recorded(engine)
    assert recorded < len(WEEKS) * N_USERS
    since = time.monotonic()
    with dagster_ui.started(shell, tmp_path / "log"):
        until(lambda: _runs(engine)[run_id] == "FAILURE", every_s=SELDOM_S)
        assert time.monotonic() - since < ENDED_WITHIN_S
        until(lambda: "SUCCESS" in _runs(engine).values(), every_s=SELDOM_S)
    _assert_every_report_is_made(engine)


def _wait_for_some_reports(shell: Shell) -> None:
    until(lambda: len(_pages(shell)) > N_USERS / 4, every_s=0.1)


def _pages(shell: Shell) -> list[Path]:
    return list((shell.home / "artifacts").rglob("weekly_report.html"))


def _runs(engine: sa.Engine) -> dict[str, str]:
    """Status by run id, as Dagster has it."""
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT run_id, status FROM dagster.runs"))
        return {row.run_id: row.status for row in rows}


def _recorded(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM report_artifacts")).scalar_one())


def _assert_every_report_is_made(engine: sa.Engine) -> None:
    assert _recorded(engine) == len(WEEKS) * N_USERS
