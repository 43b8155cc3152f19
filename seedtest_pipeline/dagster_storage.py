"""Dagster's own history in the pipeline's PostgreSQL: every Dagster process finds it without being told an address.

Named in dagster.yaml. The tables lie in a schema of their own: Dagster keeps an alembic_version table, and so may the
platform. Since a run's log lies in the same database as its data, it has to outlast what the assets outlast: each
connection waits for a server that is away.
"""

import time
from collections.abc import Mapping
from typing import Any, Self

import sqlalchemy as sa
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage, PostgresScheduleStorage
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from resources.database.engine import transaction
from resources.database.queries.dagster_history import SCHEMA
from seedtest_pipeline.automation.run_locks import LockingRunStorage, RunLocks
from seedtest_pipeline.settings import Settings
from seedtest_pipeline.wiring import Parts

# dagster-postgres asks six times within 6 s before it gives up; each of them waits so long: two minutes in all, as an
# asset waits for its own data (assets/failures.py).
_PATIENCE_S = 20.0
_AGAIN_S = 0.5
# Connections that a process keeps for its next question: a thread asks the storages one after the other.
_KEPT = 2


class PatientDialect(PGDialect_psycopg2):
    """psycopg2, whose connections wait for a server that does not answer, or still starts."""

    supports_statement_cache = True

    def connect(self, *cargs: Any, **cparams: Any) -> Any:
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return super().connect(*cargs, **cparams)
            except self.loaded_dbapi.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(_AGAIN_S)


registry.register("postgresql.patient", __name__, PatientDialect.__name__)


class SeedtestStorage(DagsterPostgresStorage):
    """DagsterPostgresStorage at the address that the settings give, with runs that hold a lock while they live."""

    def __init__(self, postgres_url: str, run_locks: RunLocks, inst_data: ConfigurableClassData | None = None) -> None:
        self.postgres_url = postgres_url
        self.should_autocreate_tables = True
        self._inst_data = inst_data
        self._run_storage = LockingRunStorage(postgres_url, run_locks)
        self._event_log_storage = PostgresEventLogStorage(postgres_url)
        self._schedule_storage = PostgresScheduleStorage(postgres_url)
        # Theirs would connect anew for each of the 200 times that a small run asks.
        engine = sa.create_engine(
            postgres_url, isolation_level="AUTOCOMMIT", pool_size=_KEPT, max_overflow=-1, pool_pre_ping=True
        )
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = engine
        super(DagsterPostgresStorage, self).__init__()  # type: ignore[no-untyped-call]  # its own would make plain storages of runs

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Raises DatabaseUnavailable at once where nothing answers: a person may wait, or the address is wrong."""
        parts = Parts(Settings.load())
        with transaction(parts.bare_engine) as connection:
            connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        parts.bare_engine.dispose()
        return cls(dagster_url(parts.database_url), RunLocks(parts.bare_engine), inst_data)


def dagster_url(database_url: str) -> str:
    """The address with the driver that dagster-postgres needs, and its schema alone on the search path."""
    url = sa.make_url(database_url).set(drivername="postgresql+patient")
    return url.update_query_dict({"options": f"-csearch_path={SCHEMA}"}).render_as_string(hide_password=False)
