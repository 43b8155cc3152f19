"""Learners whose sessions on the platform are not read: they were forgotten here before they were there.

The caller's transaction is the one in force.
"""

import datetime as dt
from typing import LiteralString

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from resources.database.schema.tables import ignored_learners

# The rows of exam_results that are a learner's, and read: a condition of every statement that makes something of them.
OF_A_LEARNER: LiteralString = """btrim(exam_results.user_id::text) <> '' AND NOT EXISTS (
    SELECT FROM ignored_learners WHERE ignored_learners.user_id = exam_results.user_id::text
)"""


def ignore(connection: sa.Connection, user_id: str, at: dt.datetime) -> None:
    """From now on; since an earlier time if so already."""
    statement = insert(ignored_learners).values(user_id=user_id, ignored_at=at)
    connection.execute(statement.on_conflict_do_nothing())


def stop_ignoring(connection: sa.Connection, user_id: str) -> bool:
    """The learner's sessions are read again; returns whether they were not."""
    return bool(connection.execute(sa.delete(ignored_learners).where(ignored_learners.c.user_id == user_id)).rowcount)


def since(connection: sa.Connection) -> dict[str, dt.datetime]:
    """Since when each is ignored, in order."""
    rows = connection.execute(sa.select(ignored_learners).order_by(sa.collate(ignored_learners.c.user_id, "C")))
    return {row.user_id: row.ignored_at for row in rows}
