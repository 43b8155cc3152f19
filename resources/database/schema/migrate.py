"""The schema's one line of history: forward and back (where a database stands on it: `revision`).

A run is one transaction: it happens whole or not at all. Stays out: the steps themselves (`migrations/versions`).
"""

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from psycopg import errors
from sqlalchemy.exc import DBAPIError

from resources.database import locks
from resources.database.address import address
from resources.database.engine import transaction
from resources.database.schema import privileges, undo_log
from resources.database.schema.revision import SCRIPTS, VERSION_TABLE
from resources.errors import OperatorRequired, RetryLater

BASE = "base"
HEAD = "head"

_OTHER_MIGRATION_WAIT_S = 60
_TABLE_WAIT_S = 10  # whoever waits for a table makes everybody behind him wait: the platform must not stand still


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


@contextlib.contextmanager
def _migrating(engine: sa.Engine) -> Iterator[Config]:
    with transaction(engine) as connection, _in_words(engine):
        connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_OTHER_MIGRATION_WAIT_S}s'"))
        locks.hold(connection, "seedtest migrations")
        connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_TABLE_WAIT_S}s'"))
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
        config.attributes["connection"] = connection
        yield config


@contextlib.contextmanager
def _in_words(engine: sa.Engine) -> Iterator[None]:
    """What a migration alone can say better than `faults`."""
    try:
        yield
    except CommandError as error:
        raise OperatorRequired(
            f"The database {address(engine.url)} cannot be migrated: {error}.",
            where=address(engine.url),
            remedy="If a later release migrated it, use that one: it can take it back (seedtest migrate --back-to).",
        ) from error
    except DBAPIError as error:
        if isinstance(error.orig, errors.InsufficientPrivilege):
            with transaction(engine) as connection:
                lacking = " ".join(privileges.to_migrate(connection))
            raise OperatorRequired(
                f"The role {engine.url.username} may not migrate {address(engine.url)}: "
                f"{error.orig.diag.message_primary}.",
                where=address(engine.url),
                remedy=f"As the database's owner, run: {lacking}" if lacking else "Migrate as the tables' owner.",
                outcome="Nothing was changed.",
            ) from error
        if isinstance(error.orig, errors.LockNotAvailable):
            raise RetryLater(
                f"A table in {address(engine.url)} was in use for too long",
                where=address(engine.url),
                remedy="migrate again at a quieter time.",
            ) from error
        raise
