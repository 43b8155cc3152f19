"""Dagster's own history in the pipeline's PostgreSQL: every Dagster process finds it without being told an address.

Named in dagster.yaml. The tables lie in a schema of their own: Dagster keeps an alembic_version table, and so may the
platform.
"""

from collections.abc import Mapping
from typing import Any, Self

import sqlalchemy as sa
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from resources.database.engine import transaction
from seedtest_pipeline.settings import Settings
from seedtest_pipeline.wiring import Parts

SCHEMA = "dagster"


class SeedtestStorage(DagsterPostgresStorage):
    """DagsterPostgresStorage at the address that the settings give."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        parts = Parts(Settings.load())
        with transaction(parts.bare_engine) as connection:
            connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        parts.bare_engine.dispose()
        return cls(postgres_url=dagster_url(parts.database_url), inst_data=inst_data)


def dagster_url(database_url: str) -> str:
    """The address with the driver that dagster-postgres needs, and its schema alone on the search path."""
    url = sa.make_url(database_url).set(drivername="postgresql+psycopg2")
    return url.update_query_dict({"options": f"-csearch_path={SCHEMA}"}).render_as_string(hide_password=False)
