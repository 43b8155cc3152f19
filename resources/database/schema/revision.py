"""Where a database stands on the schema's line of history, read without Alembic: a look must not cost half a second of
imports, and the API looks at each start.

Stays out: changing anything (`migrate`).
"""

import re
from dataclasses import dataclass

import sqlalchemy as sa

from resources.database.engine import transaction
from resources.errors import OperatorRequired
from resources.program_files import PROGRAM_FILES

VERSION_TABLE = "seedtest_alembic_version"  # the platform, and Dagster, may have an alembic_version of their own
SCRIPTS = PROGRAM_FILES / "migrations"

_ASSIGNED = re.compile(r'^(revision|down_revision) = (?:"(\w+)"|None)$', re.MULTILINE)


@dataclass(frozen=True)
class State:
    """`current` is None before the first migration."""

    current: str | None
    head: str

    @property
    def up_to_date(self) -> bool:
        return self.current == self.head

    @property
    def newer(self) -> bool:
        """Whether a later release migrated it than this one: revisions are numbers of four digits."""
        return self.current is not None and self.current > self.head


def state(engine: sa.Engine) -> State:
    """Where the database stands, without changing it.

    Raises:
        OperatorRequired: this installation has no migrations.
        DatabaseUnavailable: the database does not answer.
    """
    newest = head()
    with transaction(engine) as connection:
        migrated = connection.execute(sa.select(sa.func.to_regclass(VERSION_TABLE))).scalar_one() is not None
        stored = sa.select(sa.column("version_num", sa.Text)).select_from(sa.table(VERSION_TABLE))
        return State(connection.execute(stored).scalar_one_or_none() if migrated else None, newest)


def head() -> str:
    """The newest revision: the one that no other names as the one before it.

    Raises:
        OperatorRequired: there is none.
    """
    named: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    for script in (SCRIPTS / "versions").glob("*.py"):
        for name, revision in _ASSIGNED.findall(script.read_text("utf-8")):
            named[name].add(revision)
    heads = named["revision"] - named["down_revision"]
    if len(heads) != 1:
        raise OperatorRequired(
            f"There are no migrations in {SCRIPTS}", where=SCRIPTS, remedy="run from a whole checkout."
        )
    return heads.pop()
