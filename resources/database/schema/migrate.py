"""The schema's one line of history: forward, back, and where a database stands on it.

A run is one transaction: it happens whole or not at all. Stays out: the steps themselves (`migrations/versions`).
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg import errors
from sqlalchemy.exc import DBAPIError

from resources.database.engine import address, transaction
from resources.database.schema import undo_log
from resources.errors import OperatorRequired, RetryLater
from resources.program_files import PROGRAM_FILES

VERSION_TABLE = "seedtest_alembic_version"  # the platform, and Dagster, may have an alembic_version of their own
BASE = "base"
HEAD = "head"

_SCRIPTS = PROGRAM_FILES / "migrations"
_LOCK = 7_305_122_845_113_004_001  # any number, but always the same: two migrations of one database must meet in it
_OTHER_MIGRATION_WAIT_S = 60
_TABLE_WAIT_S = 10  # whoever waits for a table makes everybody behind him wait: the platform must not stand still


@dataclass(frozen=True)
class State:
    """`current` is None before the first migration."""

    current: str | None
    head: str

    @property
    def up_to_date(self) -> bool:
        return self.current == self.head


def upgrade(engine: sa.Engine, revision: str = HEAD) -> None:
    """Bring the database to `revision`; harmless where it is there already, and when several processes do it at once.

    Raises:
        InvalidInput: something of the platform's stands in the way; nothing was changed.
        OperatorRequired: the database's role may not do it, or the database is newer than this program.
        RetryLater: somebody held a table for too long.
    """
    with _migrating(engine) as config:
        command.upgrade(config, revision)


def downgrade(engine: sa.Engine, revision: str = BASE) -> None:
    """Take the database back to `revision`, and what it had before; estimates and reports' records of ours are lost.

    Raises:
        InvalidInput: something that is not ours depends on what would go; nothing was changed.
        OperatorRequired, RetryLater: as for `upgrade`.
    """
    with _migrating(engine) as config:
        command.downgrade(config, revision)
        if revision == BASE:
            undo_log.run(config.attributes["connection"], f"DROP TABLE IF EXISTS {VERSION_TABLE}")


def state(engine: sa.Engine) -> State:
    """Where the database stands, without changing it."""
    head = ScriptDirectory(str(_SCRIPTS)).get_current_head() if _SCRIPTS.is_dir() else None
    if head is None:
        raise OperatorRequired(f"There are no migrations in {_SCRIPTS}: run from a whole checkout.")
    with transaction(engine) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return State(context.get_current_revision(), head)


@contextlib.contextmanager
def _migrating(engine: sa.Engine) -> Iterator[Config]:
    try:
        with transaction(engine) as connection:
            connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_OTHER_MIGRATION_WAIT_S}s'"))
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_TABLE_WAIT_S}s'"))
            config = Config()
            config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
            config.attributes["connection"] = connection
            yield config
    except CommandError as error:
        raise OperatorRequired(
            f"The database {address(engine.url)} cannot be migrated: {error}. "
            "If it was migrated by a newer version of this program, use that version."
        ) from error
    except DBAPIError as error:
        if isinstance(error.orig, errors.InsufficientPrivilege):
            raise OperatorRequired(
                f"The role {engine.url.username} may not migrate {address(engine.url)}: {error.orig}. "
                "Migrate as a role that owns the schema and its tables. Nothing was changed."
            ) from error
        if isinstance(error.orig, errors.LockNotAvailable):
            raise RetryLater(
                f"A table in {address(engine.url)} was in use for too long; migrate again at a quieter time."
            ) from error
        raise
