"""Every run holds an advisory lock of PostgreSQL for as long as its process lives, however the run was started.

The server lets go of a lock however the process ends: killed, out of memory, or with the machine. So a run that Dagster
believes to be started and whose lock is free is an orphan. The lock is held by a transaction that stays open and does
nothing else: it is the only thing that a pooler leaves to one client. All runs share one lock besides, by which a
command keeps them out for a while. Stays out: what becomes of orphans (`orphaned_runs`).
"""

import threading
import time
from datetime import datetime

import dagster as dg
import psycopg
import sqlalchemy as sa
from dagster_postgres import PostgresRunStorage

from resources.database import locks

# A restart of the database takes every lock; its keeper notices within this time, and takes it again.
_LOOK_S = 1.0
# So a lock is free only if it is so twice, with more than that in between.
SECOND_LOOK_S = 5.0

_ENDS = {dg.DagsterEventType.RUN_SUCCESS, dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED}


class RunLocks:
    """The locks of this process's runs, and a look at those of others."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._ended: dict[str, threading.Event] = {}

    def hold(self, run_id: str) -> None:
        """The run's lock is ours until `release` or the end of this process."""
        ended = self._ended[run_id] = threading.Event()
        threading.Thread(target=self._keep, args=(run_id, self._locked(run_id), ended), daemon=True).start()

    def release(self, run_id: str) -> None:
        """Of a run of another process: nothing to do."""
        if ended := self._ended.pop(run_id, None):
            ended.set()

    def abandoned(self, run_id: str) -> bool:
        """Nobody holds the run's lock; it takes SECOND_LOOK_S to be sure of it."""
        if not self._free(run_id):
            return False
        time.sleep(SECOND_LOOK_S)
        return self._free(run_id)

    def _locked(self, run_id: str) -> sa.Connection:
        connection = self._connect()
        try:
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            locks.hold(connection, _name(run_id))
            locks.share(connection, locks.RUNS)
        except BaseException:
            connection.close()
            raise
        return connection

    def _keep(self, run_id: str, connection: sa.Connection | None, ended: threading.Event) -> None:
        while not ended.wait(_LOOK_S):
            try:
                if connection is None:
                    connection = self._locked(run_id)
                else:
                    connection.exec_driver_sql("SELECT 1")
            except (sa.exc.DBAPIError, psycopg.Error):  # the server is away; the lock went with the connection
                if connection is not None:
                    connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def _free(self, run_id: str) -> bool:
        with self._connect() as connection:
            return locks.try_hold(connection, _name(run_id))

    def _connect(self) -> sa.Connection:
        # No stricter isolation, be it the role's default: a snapshot that is kept for hours would stop all vacuuming.
        connection = self._engine.connect().execution_options(isolation_level="READ COMMITTED")
        connection.detach()  # who disposes of the engine's pool leaves this one alone
        return connection


class LockingRunStorage(PostgresRunStorage):
    """Dagster's runs; none becomes "started" before its process has the run's lock."""

    def __init__(self, postgres_url: str, run_locks: RunLocks) -> None:
        self.run_locks = run_locks
        super().__init__(postgres_url)

    def handle_run_event(self, run_id: str, event: dg.DagsterEvent, update_timestamp: datetime | None = None) -> None:
        # This event alone is written by the run's own process.
        if event.event_type is dg.DagsterEventType.RUN_START:
            self.run_locks.hold(run_id)
        super().handle_run_event(run_id, event, update_timestamp)
        if event.event_type in _ENDS:
            self.run_locks.release(run_id)


def _name(run_id: str) -> str:
    return f"seedtest run {run_id}"
