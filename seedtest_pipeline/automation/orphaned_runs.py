"""Runs of the command line whose process was killed: Dagster believes for ever that they go on, and keeps their places
among the runs that may go on at once, so that after a few of them every queued run would wait without end.

A process holds an advisory lock of PostgreSQL for its run. The server lets go of it however the process ends, so a run
that is not finished and whose lock is free is an orphan.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import sqlalchemy as sa

from assets.failures import ATTENDED
from resources.database import locks

_UNFINISHED = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED]


@contextmanager
def held(engine: sa.Engine, run_id: str) -> Iterator[bool]:
    """The run's lock for the time of the block, or False where another has it. Take it before Dagster knows the run."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()  # the run disposes of the engine's pool: this one must not go back into it
        with locks.try_hold(connection, f"seedtest run {run_id}") as got:
            yield got


def close(instance: dg.DagsterInstance, engine: sa.Engine) -> int:
    """End orphaned runs as failed, and free their places in the pools; returns how many there were."""
    closed = 0
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED, tags={ATTENDED: "yes"})):
        with held(engine, run.run_id) as nobody_has_it:
            if nobody_has_it:
                instance.report_run_failed(run, "The process was killed. What it had finished is kept; run it again.")
                instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
                closed += 1
    return closed
