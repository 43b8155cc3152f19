"""A week's run that is ended in the middle of its reports: what it leaves behind, and what a second run makes of it."""

import hashlib
import os
import signal
from pathlib import Path
from urllib.parse import unquote

import sqlalchemy as sa

from tests.e2e.conftest import N_USERS, WEEKS, Shell
from tests.waiting import PATIENCE_S, until

RUN = ("run", "--week", WEEKS[0], "--through", WEEKS[1])


def test_a_run_ended_amid_its_reports_leaves_whole_ones_and_a_killed_run_does_not_go_on_for_ever(shell, engine):
    """A killed run kept its place among the runs that may go on at once: after a few, every further one waited."""
    for number, exit_code, share in [(signal.SIGINT, 130, 0.55), (signal.SIGKILL, -signal.SIGKILL, 0.7)]:
        enough = share * len(WEEKS) * N_USERS  # more than one transaction's worth of reports, and fewer than all
        with shell.start(*RUN) as process:
            until(lambda: process.poll() is not None or len(_pages(shell)) > enough, every_s=0.05)  # noqa: B023 - ends here
            os.killpg(process.pid, number)
            _, err = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, err.strip()) == (exit_code, "")
        recorded, left = _recorded(engine), _pages(shell)
        assert 0 < len(recorded) <= len(left) < len(WEEKS) * N_USERS
        assert all(page.read_bytes().rstrip().endswith(b"</html>") for page in left)
        _assert_every_row_has_its_file(recorded)
    written_at = {page: page.stat().st_mtime_ns for page in left}

    assert _unfinished(engine) == 1  # Dagster believes that the killed one goes on
    again = shell.run(*RUN)
    assert again.returncode == 0, again.stderr
    assert _unfinished(engine) == 0
    recorded = _recorded(engine)
    assert len(recorded) == len(_pages(shell)) == len(WEEKS) * N_USERS
    _assert_every_row_has_its_file(recorded)
    assert {page: page.stat().st_mtime_ns for page in left} == written_at


def _unfinished(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        query = "SELECT count(*) FROM dagster.runs WHERE status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED')"
        return int(connection.execute(sa.text(query)).scalar_one())


def _pages(shell: Shell) -> list[Path]:
    return list((shell.home / "artifacts").rglob("weekly_report.html"))


def _recorded(engine: sa.Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT url, sha256 FROM report_artifacts"))
        return [(url, sha256) for url, sha256 in rows]


def _assert_every_row_has_its_file(recorded: list[tuple[str, str]]) -> None:
    stored = [Path(unquote(url.removeprefix("file://"))).read_bytes() for url, _ in recorded]
    assert [hashlib.sha256(page).hexdigest() for page in stored] == [sha256 for _, sha256 in recorded]
