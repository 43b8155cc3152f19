"""What learners want to reach, and by when: told by a file, shown in their reports.

The caller's transaction is the one in force.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from resources.database.queries.sessions import ignored_learners
from resources.database.schema.tables import learner_goals
from resources.model import Goal


@dataclass(frozen=True)
class Changed:
    """How many goals are new, told otherwise than before, or gone; and of how many learners who are ignored none is
    kept."""

    added: int
    changed: int
    removed: int
    ignored: int


def store(connection: sa.Connection, goals: Mapping[str, Goal], *, only: bool) -> Changed:
    """These learners' goals, in place of earlier ones. Others' stay, or go where these are the `only` ones."""
    ignored = ignored_learners.since(connection).keys() & goals.keys()
    goals = {user_id: goal for user_id, goal in goals.items() if user_id not in ignored}
    known = {row.user_id: Goal(row.score, row.by) for row in connection.execute(sa.select(learner_goals))}
    new = {user_id: goal for user_id, goal in goals.items() if known.get(user_id) != goal}
    gone = sorted(known.keys() - goals.keys()) if only else []
    if new:
        statement = insert(learner_goals)
        columns = {name: statement.excluded[name] for name in ("score", "by")}
        connection.execute(
            statement.on_conflict_do_update(index_elements=["user_id"], set_=columns),
            [{"user_id": user_id, **vars(goal)} for user_id, goal in sorted(new.items())],
        )
    if gone:
        connection.execute(sa.delete(learner_goals).where(learner_goals.c.user_id == _any_of(gone)))
    added = len(new.keys() - known.keys())
    return Changed(added, len(new) - added, len(gone), len(ignored))


def of(connection: sa.Connection, user_ids: Sequence[str]) -> dict[str, Goal]:
    """The goals of those of these learners who have one."""
    query = sa.select(learner_goals).where(learner_goals.c.user_id == _any_of(user_ids))
    return {row.user_id: Goal(row.score, row.by) for row in connection.execute(query)}


def _any_of(user_ids: Sequence[str]) -> sa.ColumnElement[bool]:
    return sa.any_(sa.literal(list(user_ids), sa.ARRAY(sa.Text)))
