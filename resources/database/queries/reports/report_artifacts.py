"""The catalogue of finished reports: which file a user has for a week, and where it is.

The learner's own edition stands in a table that the predecessor's readers know, every other one beside it
(`report_editions`); here they are one catalogue. Stays out: the files themselves. The caller's transaction is the one
in force.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from resources.database.schema.tables import report_artifacts, report_editions
from resources.model import Edition, ReportArtifact, Week

_FINISHED = (
    "user_id text, week_start date, edition text, format text, url text, generated_at timestamptz, sha256 text, "
    "inputs_sha256 text"
)
_RECORD = """
    INSERT INTO seedtest_report_artifacts (user_id, week_start, format, url, generated_at, sha256, inputs_sha256)
    SELECT user_id, week_start, format, url, generated_at, sha256, inputs_sha256
    FROM finished WHERE edition = 'learner' ORDER BY user_id COLLATE "C", week_start, format
    ON CONFLICT (user_id, week_start, format) DO UPDATE SET
        url = excluded.url, generated_at = excluded.generated_at, sha256 = excluded.sha256,
        inputs_sha256 = excluded.inputs_sha256
"""
_RECORD_EDITIONS = """
    INSERT INTO report_editions (user_id, week_start, edition, format, url, generated_at, sha256, inputs_sha256)
    SELECT user_id, week_start, edition, format, url, generated_at, sha256, inputs_sha256
    FROM finished WHERE edition <> 'learner' ORDER BY user_id COLLATE "C", week_start, edition, format
    ON CONFLICT (user_id, week_start, edition, format) DO UPDATE SET
        url = excluded.url, generated_at = excluded.generated_at, sha256 = excluded.sha256,
        inputs_sha256 = excluded.inputs_sha256
"""
_COLUMNS = ("user_id", "week_start", "format", "url", "generated_at", "sha256", "inputs_sha256")
_all = sa.union_all(
    sa.select(*(report_artifacts.c[name] for name in _COLUMNS), sa.literal("learner", sa.Text).label("edition")),
    sa.select(*(report_editions.c[name] for name in _COLUMNS), report_editions.c.edition),
).subquery("catalogue")
# The learner's own first, as a page.
_BY_USER = (
    sa.collate(_all.c.user_id, "C"), _all.c.edition != "learner", _all.c.edition,
    _all.c.format != "html", _all.c.format,
)  # fmt: skip


def record(connection: sa.Connection, artifacts: Sequence[ReportArtifact]) -> int:
    """Store each under its user, week, edition and format, in place of an earlier one; returns how many."""
    import pyarrow as pa

    from resources.database.staging import stage  # the API only reads

    rows = pa.table(
        {
            "user_id": pa.array([a.user_id for a in artifacts], pa.large_string()),
            "week_start": pa.array([a.week.start for a in artifacts], pa.date32()),
            "edition": pa.array([a.edition for a in artifacts], pa.large_string()),
            "format": pa.array([a.format for a in artifacts], pa.large_string()),
            "url": pa.array([a.url for a in artifacts], pa.large_string()),
            "generated_at": pa.array([a.generated_at for a in artifacts], pa.timestamp("us", "UTC")),
            "sha256": pa.array([a.sha256 for a in artifacts], pa.large_string()),
            "inputs_sha256": pa.array([a.inputs_sha256 for a in artifacts], pa.large_string()),
        }
    )
    stage(connection, "finished", _FINISHED, "user_id", rows)
    return sum(connection.exec_driver_sql(insert).rowcount for insert in (_RECORD, _RECORD_EDITIONS))


def of_week(connection: sa.Connection, week: Week, user_ids: Sequence[str] | None = None) -> list[ReportArtifact]:
    """A week's reports by user, edition and format, the learner's first, of all users or of these."""
    query = sa.select(_all).where(_all.c.week_start == week.start)
    if user_ids is not None:
        query = query.where(_all.c.user_id == sa.any_(sa.literal(list(user_ids), sa.ARRAY(sa.Text))))
    return _read(connection, query.order_by(*_BY_USER))


def sample(connection: sa.Connection, weeks: Sequence[Week], n: int) -> list[ReportArtifact]:
    """At most `n` reports of these weeks, any, in no order."""
    of_weeks = _all.c.week_start.in_([week.start for week in weeks])
    return _read(connection, sa.select(_all).where(of_weeks).order_by(sa.func.random()).limit(n))


def first(connection: sa.Connection, week: Week, user_id: str | None = None) -> ReportArtifact | None:
    """One report of a week, to look at: of this user, or of the first one; the learner's, and in HTML, where there is
    one."""
    query = sa.select(_all).where(_all.c.week_start == week.start)
    if user_id is not None:
        query = query.where(_all.c.user_id == user_id)
    return next(iter(_read(connection, query.order_by(*_BY_USER).limit(1))), None)


def of_user(
    connection: sa.Connection, user_id: str, week: Week | None = None, edition: Edition | None = None
) -> list[ReportArtifact]:
    """A user's reports, the newest week first, then by edition and format; of all weeks and editions, or of one."""
    query = sa.select(_all).where(_all.c.user_id == user_id)
    if week is not None:
        query = query.where(_all.c.week_start == week.start)
    if edition is not None:
        query = query.where(_all.c.edition == edition)
    return _read(connection, query.order_by(_all.c.week_start.desc(), *_BY_USER))


def missing(connection: sa.Connection, week: Week, wanted: Sequence[tuple[Edition, str]]) -> list[str]:
    """Users with an estimate of the week and without its report in one of these editions and formats, in no order."""
    query = """
        SELECT user_id FROM theta_estimates e WHERE week_start = %(week)s AND %(n)s > (
            SELECT count(*) FROM seedtest_report_artifacts r
            WHERE r.user_id = e.user_id AND r.week_start = e.week_start AND 'learner ' || r.format = ANY(%(wanted)s)
        ) + (
            SELECT count(*) FROM report_editions r
            WHERE r.user_id = e.user_id AND r.week_start = e.week_start AND edition || ' ' || r.format = ANY(%(wanted)s)
        )
    """
    values = {"week": week.start, "n": len(wanted), "wanted": [f"{edition} {form}" for edition, form in wanted]}
    return list(connection.exec_driver_sql(query, values).scalars())


def _read(connection: sa.Connection, query: sa.Select[Any]) -> list[ReportArtifact]:
    return [
        ReportArtifact(
            row.user_id, Week(row.week_start), row.format, row.url, row.generated_at, row.sha256, row.inputs_sha256,
            row.edition,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def weeks(connection: sa.Connection) -> list[Week]:
    """Those that have a report, ascending."""
    starts = sa.union(sa.select(report_artifacts.c.week_start), sa.select(report_editions.c.week_start))
    return sorted(Week(start) for start in connection.scalars(starts))


def forget(connection: sa.Connection, week: Week, urls: Sequence[str]) -> int:
    """Delete the week's rows with these addresses; returns how many there were."""
    named = sa.any_(sa.literal(list(urls), sa.ARRAY(sa.Text)))
    gone = (
        sa.delete(table).where(table.c.week_start == week.start, table.c.url == named)
        for table in (report_artifacts, report_editions)
    )
    return sum(connection.execute(rows).rowcount for rows in gone)
