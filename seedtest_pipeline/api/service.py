"""What the routes work with: the parts, sized for one process that answers in time."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar

import sqlalchemy as sa

from assets.abilities.on_demand import Updater
from assets.abilities.scoring import ScoringRules
from resources.artifacts.links import Links
from resources.artifacts.store import ArtifactStore
from resources.database.deadlines import Deadlines
from resources.database.engine import make_engine
from resources.database.queries.items.item_banks import BankChoice
from resources.estimators.contract import Estimator
from seedtest_pipeline.api.grouped_updates import GroupedUpdates
from seedtest_pipeline.api.long_work import LongWork
from seedtest_pipeline.api.metrics import Metrics, TimedEstimator
from seedtest_pipeline.api.tracing import Tracing, make_tracing
from seedtest_pipeline.settings import Settings
from seedtest_pipeline.wiring import Parts

# Requests at work at once, each with a thread and a connection. One learner's update is arithmetic under Python's lock
# and a wait for the database: more threads than this only take turns.
AT_WORK = 8
# For so much of a request's time it may wait for the database: beyond, nobody waits for what comes of it.
_WAIT = 0.8
_log = logging.getLogger(__name__)

_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass(frozen=True)
class Service:
    settings: Settings
    engine: sa.Engine
    updater: Updater
    grouped_updates: GroupedUpdates
    estimator: Estimator
    rules: ScoringRules
    bank_choice: BankChoice
    artifacts: ArtifactStore
    links: Links
    metrics: Metrics
    threads: ThreadPoolExecutor
    deadlines: Deadlines
    batches: LongWork
    long_histories: LongWork
    tracing: Tracing

    async def work(self, do: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """What `do` returns, done in a thread of ours, which goes on to its end even if the request does not."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, partial(do, *args, **kwargs))

    def cut_overdue(self) -> None:
        """Let go of a database that hangs: without threads and connections nothing else would be answered."""
        if n := self.deadlines.cut(_WAIT * self.settings.api_timeout_secs):
            _log.warning("connections to the database cut", extra={"connections": n})

    def close(self) -> None:
        self.deadlines.close()
        self.grouped_updates.close()
        self.threads.shutdown(wait=True, cancel_futures=True)
        self.batches.close()
        self.long_histories.close()
        self.engine.dispose()
        self.tracing.close()


def make_service(settings: Settings, metrics: Metrics) -> Service:
    """Nothing of it is opened yet, but for an embedded database, which is started and migrated.

    Statements and the estimator get half of a request's time: so the caller is told which of them was too slow.
    """
    patience_s = settings.api_timeout_secs / 2
    parts = Parts(settings.model_copy(update={"r_irt_timeout_secs": min(settings.r_irt_timeout_secs, patience_s / 2)}))
    if settings.database_url is None:
        parts.engine.dispose()
    engine = make_engine(
        parts.database_url, "seedtest", statement_timeout_s=patience_s, pool_size=AT_WORK, ping=False,
        keeps_plans=True,
    )  # fmt: skip
    metrics.watch(engine)
    estimator = TimedEstimator(parts.estimator, metrics)
    tracing = make_tracing(settings)
    updater = Updater(engine, estimator, parts.bank_choice, settings.theta_channel, tracing.tracer)
    threads = ThreadPoolExecutor(AT_WORK, "request")
    return Service(
        settings, engine, updater, GroupedUpdates(updater, metrics), estimator, parts.rules, parts.bank_choice,
        parts.artifacts, parts.links, metrics, threads, Deadlines(engine), LongWork("batches"),
        LongWork("long histories"), tracing,
    )  # fmt: skip
