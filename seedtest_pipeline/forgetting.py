"""`seedtest forget`: no run goes on beside it, the learner's partition goes with him, and what is left is told."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg
import sqlalchemy as sa

from assets.forgetting import learner
from assets.forgetting.learner import Traces
from resources.database import locks
from resources.database.engine import transaction
from resources.database.queries import dagster_history
from resources.database.queries.sessions import ignored_learners
from resources.errors import RetryLater
from resources.model import safe_key
from seedtest_pipeline.wiring import Parts

_PARTITIONS = "user"


@dataclass(frozen=True)
class Receipt:
    """What there was of a learner; `removed` says whether it is gone, and `ignored` whether the platform's rows are
    read no more. Of Dagster's own tables a partition of the
    learner's and its events go, too; runs that name them stay for their time."""

    traces: Traces
    partition: bool
    history_events: int
    history_runs: int
    removed: bool
    ignored: bool


def forget(
    parts: Parts, instance: dg.DagsterInstance, user_id: str, *, really: bool, ignore: dt.datetime | None = None
) -> Receipt:
    """Removes only where it is told `really`, and then ignores the learner's sessions from `ignore` on. Safe to do
    again, also after it was killed.

    Raises:
        RetryLater: a run is under way; nothing was removed.
        StoreRefuses, OperatorRequired: of a store or the database; what was removed before stays removed.
    """
    with _without_runs(parts.engine):
        traces, key = learner.find(parts.engine, parts.stores_ever, user_id), safe_key(user_id)
        partition = instance.has_dynamic_partition(_PARTITIONS, key)
        with transaction(parts.engine) as connection:
            events, runs = dagster_history.naming(connection, user_id, key)
        if really:
            learner.remove(parts.engine, parts.stores_ever, user_id)
            if ignore:
                learner.ignore(parts.engine, user_id, ignore)
            with transaction(parts.engine) as connection:
                dagster_history.forget_partitions(connection, key)
            if partition:
                instance.delete_dynamic_partition(_PARTITIONS, key)
        with transaction(parts.engine) as connection:
            ignored = user_id in ignored_learners.since(connection)
    return Receipt(traces, partition, events, runs, really, ignored)


@contextmanager
def _without_runs(engine: sa.Engine) -> Iterator[None]:
    """No run is under way, and one that starts meanwhile waits for the end of the block."""
    with transaction(engine) as connection:
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        if not locks.try_hold(connection, locks.RUNS):
            raise RetryLater(
                "A run is under way", remedy="forget the learner when it has ended.", outcome="Nothing was removed."
            )
        yield
