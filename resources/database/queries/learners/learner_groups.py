"""Who is in which group: told by a file, shown in class reports, and asked by the API before it hands one out.

The caller's transaction is the one in force.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from resources.database.queries.sessions import ignored_learners
from resources.database.schema.tables import learner_groups
from resources.model import LEARNER, TEACHER, Member


@dataclass(frozen=True)
class Changed:
    """How many people are new in a group, told otherwise than before, or not in it any more; how many groups were
    removed; and how many learners are ignored, of whom nothing is kept."""

    added: int
    changed: int
    left: int
    groups_removed: int
    ignored: int


def store(connection: sa.Connection, rows: Sequence[Mapping[str, str | None]], *, only: bool) -> Changed:
    """The groups of the rows are as the rows say: who is not named in one is no longer in it. Other groups stay, or go
    where these are the `only` ones."""
    named = {str(row["group"]) for row in rows}
    ignored = ignored_learners.since(connection).keys() & {str(row["user_id"]) for row in rows}
    told = {
        (str(row["group"]), str(row["user_id"])): {
            "group_id": row["group"], "user_id": row["user_id"], "role": row["role"], "name": row["name"],
        }
        for row in rows
        if row["user_id"] not in ignored
    }  # fmt: skip
    known = {(row.group_id, row.user_id): dict(row._mapping) for row in connection.execute(sa.select(learner_groups))}
    new = [row for key, row in told.items() if known.get(key) != row]
    gone = [key for key in known if key not in told and (only or key[0] in named)]
    if new:
        statement = insert(learner_groups)
        columns = {name: statement.excluded[name] for name in ("role", "name")}
        connection.execute(statement.on_conflict_do_update(index_elements=["group_id", "user_id"], set_=columns), new)
    if gone:
        of_one = (learner_groups.c.group_id == sa.bindparam("g")) & (learner_groups.c.user_id == sa.bindparam("u"))
        connection.execute(sa.delete(learner_groups).where(of_one), [{"g": group, "u": user} for group, user in gone])
    added = sum((row["group_id"], row["user_id"]) not in known for row in new)
    without = {group for group, _ in known} - named if only else set()
    return Changed(added, len(new) - added, len(gone), len(without), len(ignored))


def learners(connection: sa.Connection) -> dict[str, list[Member]]:
    """The learners of each group that has any, both in order."""
    query = (
        sa.select(learner_groups)
        .where(learner_groups.c.role == LEARNER)
        .order_by(sa.collate(learner_groups.c.group_id, "C"), sa.collate(learner_groups.c.user_id, "C"))
    )
    found: dict[str, list[Member]] = {}
    for row in connection.execute(query):
        found.setdefault(row.group_id, []).append(Member(row.user_id, row.name))
    return found


def taught_by(connection: sa.Connection, user_id: str) -> list[str]:
    """The groups in which this person is a teacher, in order."""
    query = sa.select(learner_groups.c.group_id).where(
        learner_groups.c.user_id == user_id, learner_groups.c.role == TEACHER
    )
    return sorted(connection.scalars(query))


def teaches(connection: sa.Connection, teacher: str, learner: str) -> bool:
    """Whether the one is a teacher of a group in which the other is a learner."""
    theirs, own = learner_groups.alias(), learner_groups.alias()
    query = (
        sa.select(sa.true())
        .join_from(own, theirs, theirs.c.group_id == own.c.group_id)
        .where(own.c.user_id == learner, own.c.role == LEARNER, theirs.c.user_id == teacher, theirs.c.role == TEACHER)
    )
    return connection.execute(query.limit(1)).first() is not None


def names(connection: sa.Connection, user_ids: Sequence[str]) -> dict[str, str]:
    """What people call those of whom that is told; where groups differ, the first group's."""
    theirs = learner_groups.c.user_id == sa.any_(sa.literal(list(user_ids), sa.ARRAY(sa.Text)))
    query = (
        sa.select(learner_groups.c.user_id, learner_groups.c.name)
        .where(theirs, learner_groups.c.name.is_not(None))
        .order_by(sa.collate(learner_groups.c.group_id, "C").desc())
    )
    return {row.user_id: row.name for row in connection.execute(query)}


def any_told(connection: sa.Connection) -> bool:
    """Whether any group has a learner."""
    query = sa.select(learner_groups.c.user_id).where(learner_groups.c.role == LEARNER).limit(1)
    return connection.execute(query).first() is not None
