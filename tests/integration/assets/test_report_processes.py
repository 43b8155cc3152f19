"""Publishing by several processes: the same as by one, whatever happens to one of them."""

import multiprocessing as mp
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assets.publishing import publisher, report_processes
from docs.sample_learner import WEEK
from resources.artifacts.folder import FolderStore
from resources.database.engine import transaction
from resources.database.queries.reports import report_artifacts
from resources.errors import RetryLater
from tests.integration.assets.failing_stores import DownFor, FullFor, KillsFor, NotesProcesses
from tests.integration.assets.publishing import estimated, publish, rows
from tests.living import lives
from tests.waiting import PATIENCE_S, until

USERS = [f"u{number:02}" for number in range(30)]


@pytest.fixture
def by_two(monkeypatch, new_publisher):
    """A publisher that has two processes make five learners at a time."""
    monkeypatch.setattr(report_processes, "FEW", 2)
    monkeypatch.setattr(publisher, "BATCH", 5)

    with report_processes.ReportProcesses(2) as two:

        def made(store: FolderStore):
            new = new_publisher(store)
            new.processes = two
            return new

        yield made


def recorded(engine):
    """In the order in which they were stored."""
    with transaction(engine) as connection:
        found = report_artifacts.of_week(connection, WEEK)
        order = connection.exec_driver_sql("SELECT user_id FROM report_artifacts ORDER BY id").scalars().all()
    return order, [(row.user_id, row.sha256, row.inputs_sha256) for row in found]


def files(store: FolderStore):
    return {key: store.read(key) for key in store.keys("")}


def test_several_processes_make_the_files_rows_and_links_of_one_in_its_order(engine, new_publisher, by_two, tmp_path):
    estimated(engine, *USERS)
    alone = new_publisher(FolderStore(tmp_path / "one"))
    publish(alone, USERS, rows(*USERS))
    order, found = recorded(engine)
    with transaction(engine) as connection:
        connection.exec_driver_sql("DELETE FROM report_artifacts")
    store = NotesProcesses(tmp_path / "two")
    together = by_two(store)
    publish(together, USERS, rows(*USERS))
    assert files(store) == files(alone.store)
    assert recorded(engine) == (order, found)
    assert order == USERS
    assert [link.user_id for link in together.links] == [link.user_id for link in alone.links]
    assert (together.written, together.unchanged) == (alone.written, alone.unchanged) == (30, 0)
    by = {int(path.name.removeprefix("by-")) for path in tmp_path.glob("by-*")}
    assert len(by) == 2
    assert os.getpid() not in by
    again = by_two(store)
    publish(again, USERS, rows(*USERS))
    assert (again.written, again.unchanged) == (0, 30)


def test_few_learners_are_made_by_this_process(engine, new_publisher, tmp_path):
    store = NotesProcesses(tmp_path / "few")
    several = new_publisher(store)
    several.processes = report_processes.ReportProcesses(2)
    publish(several, USERS, rows(*USERS))
    assert [path.name for path in tmp_path.glob("by-*")] == [f"by-{os.getpid()}"]


def test_one_learners_failure_in_another_process_is_named_and_in_nobodys_way(engine, by_two, tmp_path):
    made = publish(by_two(FullFor(tmp_path / "full", "u07")), USERS, rows(*USERS))
    assert [(failure.user_id, failure.reason) for failure in made.failed] == [("u07", "OSError: no space left")]
    assert [row[0] for row in recorded(engine)[1]] == [user for user in USERS if user != "u07"]


def test_a_process_that_is_killed_is_told_in_words_and_what_was_published_stays(engine, by_two, tmp_path):
    with pytest.raises(RetryLater, match=r"was killed.*memory: see how much.*REPORT_PROCESSES.*rerun makes the others"):
        publish(by_two(KillsFor(tmp_path / "store", "u29")), USERS, rows(*USERS))
    assert {row[0] for row in recorded(engine)[1]} >= set(USERS[:5])
    publish(by_two(FolderStore(tmp_path / "store")), USERS, rows(*USERS))
    assert [row[0] for row in recorded(engine)[1]] == USERS


def test_a_store_that_is_down_is_told_by_its_own_error(engine, by_two, tmp_path):
    with pytest.raises(RetryLater) as down:
        publish(by_two(DownFor(tmp_path / "store", "u12")), USERS, rows(*USERS))
    assert down.value.fields["remedy"] == "try again."
    assert {row[0] for row in recorded(engine)[1]} >= set(USERS[:5])


PARENT = """
import multiprocessing as mp, os, signal, sys, time
from concurrent.futures import ProcessPoolExecutor
from zoneinfo import ZoneInfo
from assets.publishing import report_processes
if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, mp.get_context("forkserver"), report_processes._begin, (None, ZoneInfo("UTC")))
    print(pool.submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_processes_end_with_a_parent_that_was_killed(tmp_path):
    """They would wait for work for ever, with all of their memory."""
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, str(script)], cwd=root, env=dict(os.environ, PYTHONPATH=str(root)),
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    until(lambda: not lives(int(done.stdout)))


def test_processes_are_kept_from_week_to_week_and_end_with_the_run(engine, new_publisher, tmp_path, monkeypatch):
    monkeypatch.setattr(report_processes, "FEW", 2)
    monkeypatch.setattr(publisher, "BATCH", 5)
    with report_processes.ReportProcesses(2) as two:
        made = new_publisher(NotesProcesses(tmp_path / "store"))
        made.processes = two
        publish(made, USERS, rows(*USERS))
        publish(made, USERS, rows(*USERS, n=7))
        assert len(list(tmp_path.glob("by-*"))) == len(mp.active_children()) == 2
    assert mp.active_children() == []
