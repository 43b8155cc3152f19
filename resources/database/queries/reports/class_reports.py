"""The catalogue of finished class reports (`class_reports`): which file a group has for a week, and where it is.

Stays out: the files themselves. The caller's transaction is the one in force.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from resources.database.schema.tables import class_reports
from resources.model import ClassArtifact, Week


def record(connection: sa.Connection, made: Sequence[ClassArtifact]) -> None:
    """Store each under its group, week and format, in place of an earlier one."""
    if not made:
        return
    statement = insert(class_reports)
    kept = {"group_id", "week_start", "format", "made_from"}  # the last is told once all of a week's were made
    columns = {column.name: statement.excluded[column.name] for column in class_reports.c if column.name not in kept}
    statement = statement.on_conflict_do_update(index_elements=["group_id", "week_start", "format"], set_=columns)
    connection.execute(
        statement,
        [
            {
                "group_id": one.group, "week_start": one.week.start, "format": one.format, "url": one.url,
                "generated_at": one.generated_at, "sha256": one.sha256, "inputs_sha256": one.inputs_sha256,
                "learners": list(one.learners),
            }
            for one in made
        ],
    )  # fmt: skip


def of_week(connection: sa.Connection, week: Week) -> list[ClassArtifact]:
    """A week's reports by group and format."""
    query = sa.select(class_reports).where(class_reports.c.week_start == week.start)
    return _read(connection, query.order_by(sa.collate(class_reports.c.group_id, "C"), class_reports.c.format))


def of_group(connection: sa.Connection, group: str, week: Week | None = None) -> list[ClassArtifact]:
    """A group's reports, the newest week first and by format, of all weeks or of one."""
    query = sa.select(class_reports).where(class_reports.c.group_id == group)
    if week is not None:
        query = query.where(class_reports.c.week_start == week.start)
    return _read(connection, query.order_by(class_reports.c.week_start.desc(), class_reports.c.format))


def rest_on(connection: sa.Connection, week: Week, groups: Collection[str], made_from: str | None) -> None:
    """The reports of these groups are as the week's abilities with this digest make them."""
    theirs = class_reports.c.group_id == sa.any_(sa.literal(sorted(groups), sa.ARRAY(sa.Text)))
    rows = sa.update(class_reports).where(class_reports.c.week_start == week.start, theirs)
    connection.execute(rows.values(made_from=made_from))


def outdated(connection: sa.Connection, digests: Mapping[Week, str], groups: Collection[str]) -> list[Week]:
    """Weeks with a report, of one of these groups, that rests on other abilities than those with these digests;
    ascending."""
    query = sa.select(class_reports.c.week_start, class_reports.c.made_from).distinct()
    theirs = class_reports.c.group_id == sa.any_(sa.literal(sorted(groups), sa.ARRAY(sa.Text)))
    found = connection.execute(query.where(class_reports.c.made_from.is_not(None), theirs))
    return sorted({week for row in found if digests.get(week := Week(row.week_start)) != row.made_from})


def weeks(connection: sa.Connection) -> list[Week]:
    """Those that have a report, ascending."""
    starts = sa.select(class_reports.c.week_start).distinct().order_by(class_reports.c.week_start)
    return [Week(start) for start in connection.scalars(starts)]


def groups(connection: sa.Connection) -> list[str]:
    """Those that have a report of any week, in order."""
    return sorted(connection.scalars(sa.select(class_reports.c.group_id).distinct()))


def named(connection: sa.Connection) -> set[str]:
    """Every learner whom a report names."""
    return set(connection.scalars(sa.select(sa.func.unnest(class_reports.c.learners)).distinct()))


def naming(connection: sa.Connection, user_ids: Collection[str]) -> list[ClassArtifact]:
    """The reports that name any of these learners."""
    any_of = sa.literal(sorted(user_ids), sa.ARRAY(sa.Text))
    return _read(connection, sa.select(class_reports).where(class_reports.c.learners.op("&&")(any_of)))


def forget(connection: sa.Connection, gone: Sequence[ClassArtifact]) -> None:
    """Delete these rows."""
    of_one = sa.and_(
        class_reports.c.group_id == sa.bindparam("g"),
        class_reports.c.week_start == sa.bindparam("w"),
        class_reports.c.format == sa.bindparam("f"),
    )
    if gone:
        values = [{"g": one.group, "w": one.week.start, "f": one.format} for one in gone]
        connection.execute(sa.delete(class_reports).where(of_one), values)


def forget_addresses(connection: sa.Connection, week: Week, urls: Sequence[str]) -> None:
    """Delete the week's rows with these addresses."""
    named = class_reports.c.url == sa.any_(sa.literal(list(urls), sa.ARRAY(sa.Text)))
    connection.execute(sa.delete(class_reports).where(class_reports.c.week_start == week.start, named))


def _read(connection: sa.Connection, query: sa.Select[Any]) -> list[ClassArtifact]:
    return [
        ClassArtifact(
            row.group_id,
            Week(row.week_start),
            row.format,
            row.url,
            row.generated_at,
            row.sha256,
            row.inputs_sha256,
            tuple(row.learners),
        )
        for row in connection.execute(query)
    ]
