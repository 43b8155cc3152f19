"""Dagster's own history in the pipeline's PostgreSQL: every Dagster process finds it without being told an address.

Named in dagster.yaml. The tables lie in a schema of their own: Dagster keeps an alembic_version table, and so may the
platform. Each statement says so itself: behind a pooler, which drops what a connection asked for, Dagster's tables
would be made, and its answers looked for, in the platform's schema. Since a run's log lies in the same database as its
data, it has to outlast what the assets outlast: each connection waits for a server that is away.
"""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

import sqlalchemy as sa
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage, PostgresScheduleStorage
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class, whatever its name
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from resources.database import faults
from resources.database.engine import NOTICES_THE_DEAD, transaction
from resources.database.queries.dagster_history import SCHEMA
from resources.database.schema.privileges import schema_exists
from resources.database.session import is_pooled
from seedtest_pipeline.automation.run_locks import LockingRunStorage, RunLocks
from seedtest_pipeline.settings import Settings
from seedtest_pipeline.wiring import Parts

# dagster-postgres asks six times within 6 s before it gives up; each of them waits so long: two minutes in all, as an
# asset waits for its own data (assets/failures.py).
_PATIENCE_S = 20.0
_AGAIN_S = 0.5
# Connections that a process keeps for its next question: a thread asks the storages one after the other.
_KEPT = 2
# Several statements in one message are one transaction. Dagster's columns of instants have no time zone.
_HERE = f"SET LOCAL search_path = {SCHEMA}; SET LOCAL TimeZone = 'UTC'; "


class CursorInSchema(Cursor):  # type: ignore[misc]  # psycopg2 tells no types
    """Each statement is about Dagster's own schema, and in UTC, in whatever session of the server it is run."""

    def execute(self, query: str, vars: Any = None) -> None:  # noqa: A002 - the name is psycopg2's
        # Dagster's upgrades ask for indexes without a lock, which no transaction can make; its tables are not large.
        super().execute(_HERE + re.sub(r"^(\s*(?:CREATE|DROP) (?:UNIQUE )?INDEX) CONCURRENTLY", r"\1", query), vars)

    def executemany(self, query: str, vars_list: Sequence[Any]) -> None:
        super().executemany(_HERE + query, vars_list)


class PatientDialect(PGDialect_psycopg2):
    """psycopg2 in Dagster's schema, whose connections wait for a server that does not answer, or still starts."""

    supports_statement_cache = True

    @classmethod
    def engine_created(cls, engine: sa.Engine) -> None:
        engine.hide_parameters = True  # Dagster's are not asked for elsewhere; user keys may be learners' ids

    def connect(self, *cargs: Any, **cparams: Any) -> Any:
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return super().connect(*cargs, **cparams, cursor_factory=CursorInSchema)
            except self.loaded_dbapi.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(_AGAIN_S)

    def is_disconnect(self, e: Any, connection: Any, cursor: Any) -> bool:
        """After a failover an old connection may lead to the old primary, which takes no writes any more."""
        return getattr(e, "pgcode", None) == faults.READ_ONLY or bool(
            super().is_disconnect(e, connection, cursor)  # type: ignore[no-untyped-call]  # SQLAlchemy's own
        )


registry.register("postgresql.patient", __name__, PatientDialect.__name__)


class SeedtestStorage(DagsterPostgresStorage):
    """DagsterPostgresStorage at the address that the settings give, with runs that hold a lock while they live."""

    def __init__(
        self, postgres_url: str, run_locks: RunLocks, pooled: bool, inst_data: ConfigurableClassData | None = None
    ) -> None:
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
            if pooled:
                storage.optimize_for_webserver = _as_it_is  # type: ignore[method-assign]
        super(DagsterPostgresStorage, self).__init__()  # type: ignore[no-untyped-call]  # its own would make plain storages of runs

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Raises DatabaseUnavailable at once where nothing answers: a person may wait, or the address is wrong."""
        parts = Parts(Settings.load())
        with transaction(parts.bare_engine) as connection:
            if not schema_exists(connection, SCHEMA):  # IF NOT EXISTS alone needs CREATE on the database all the same
                connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            pooled = is_pooled(connection)
        parts.bare_engine.dispose()
        return cls(dagster_url(parts.database_url), RunLocks(parts.bare_engine), pooled, inst_data)


def dagster_url(database_url: str) -> str:
    """The address with the driver that dagster-postgres needs."""
    url = sa.make_url(database_url).set(drivername="postgresql+patient")
    return url.update_query_dict(
        {name: str(value) for name, value in NOTICES_THE_DEAD.items()}
    ).render_as_string(hide_password=False)  # fmt: skip


def _as_it_is(*_: object, **__: object) -> None:
    """In place of what Dagster does for its web server: a time limit for sessions, which a pooler gives to others."""
