"""The catalogue of finished reports (`report_artifacts`): which file a user has for a week, and where it is.

Stays out: the files themselves. The caller's transaction is the one in force.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from resources.database.schema.tables import report_artifacts
from resources.model import ReportArtifact, Week

_FINISHED = (
    "user_id text, week_start date, format text, url text, generated_at timestamptz, sha256 text, inputs_sha256 text"
)
_RECORD = """
    INSERT INTO seedtest_report_artifacts (user_id, week_start, format, url, generated_at, sha256, inputs_sha256)
    SELECT user_id, week_start, format, url, generated_at, sha256, inputs_sha256
    FROM finished ORDER BY user_id COLLATE "C", week_start, format
    ON CONFLICT (user_id, week_start, format) DO UPDATE SET
        url = excluded.url, generated_at = excluded.generated_at, sha256 = excluded.sha256,
        inputs_sha256 = excluded.inputs_sha256
"""


def record(connection: sa.Connection, artifacts: Sequence[ReportArtifact]) -> int:
    """Store each under its user, week and format, in place of an earlier one; returns how many."""
    import pyarrow as pa

    from resources.database.staging import stage  # the API only reads

    rows = pa.table(
        {
            "user_id": pa.array([a.user_id for a in artifacts], pa.large_string()),
            "week_start": pa.array([a.week.start for a in artifacts], pa.date32()),
            "format": pa.array([a.format for a in artifacts], pa.large_string()),
            "url": pa.array([a.url for a in artifacts], pa.large_string()),
            "generated_at": pa.array([a.generated_at for a in artifacts], pa.timestamp("us", "UTC")),
            "sha256": pa.array([a.sha256 for a in artifacts], pa.large_string()),
            "inputs_sha256": pa.array([a.inputs_sha256 for a in artifacts], pa.large_string()),
        }
    )
    stage(connection, "finished", _FINISHED, "user_id", rows)
    return connection.exec_driver_sql(_RECORD).rowcount


def of_week(connection: sa.Connection, week: Week, user_ids: Sequence[str] | None = None) -> list[ReportArtifact]:
    """A week's reports by user and format, of all users or of these."""
    query = sa.select(report_artifacts).where(report_artifacts.c.week_start == week.start)
    if user_ids is not None:
        query = query.where(report_artifacts.c.user_id == sa.any_(sa.literal(list(user_ids), sa.ARRAY(sa.Text))))
    return _read(
        connection, query.order_by(sa.collate(report_artifacts.c.user_id, "C"), report_artifacts.c.format)
    )  # fmt: skip


def sample(connection: sa.Connection, weeks: Sequence[Week], n: int) -> list[ReportArtifact]:
    """At most `n` reports of these weeks, any, in no order."""
    of_weeks = report_artifacts.c.week_start.in_([week.start for week in weeks])
    return _read(connection, sa.select(report_artifacts).where(of_weeks).order_by(sa.func.random()).limit(n))


def first(connection: sa.Connection, week: Week, user_id: str | None = None) -> ReportArtifact | None:
    """One report of a week, to look at: of this user, or of the first one; in HTML where there is one."""
    query = sa.select(report_artifacts).where(report_artifacts.c.week_start == week.start)
    if user_id is not None:
        query = query.where(report_artifacts.c.user_id == user_id)
    order = (sa.collate(report_artifacts.c.user_id, "C"), report_artifacts.c.format)
    return next(iter(_read(connection, query.order_by(*order).limit(1))), None)


def of_user(connection: sa.Connection, user_id: str, week: Week | None = None) -> list[ReportArtifact]:
    """A user's reports, the newest week first and by format, of all weeks or of one."""
    query = sa.select(report_artifacts).where(report_artifacts.c.user_id == user_id)
    if week is not None:
        query = query.where(report_artifacts.c.week_start == week.start)
    return _read(connection, query.order_by(report_artifacts.c.week_start.desc(), report_artifacts.c.format))


def missing(connection: sa.Connection, week: Week, formats: Sequence[str]) -> list[str]:
    """Users with an estimate of the week and without its report in one of these formats, in no order."""
    query = """
        SELECT user_id FROM theta_estimates e WHERE week_start = %(week)s AND %(n)s > (
            SELECT count(*) FROM seedtest_report_artifacts r
            WHERE r.user_id = e.user_id AND r.week_start = e.week_start AND r.format = ANY(%(formats)s)
        )
    """
    values = {"week": week.start, "n": len(formats), "formats": list(formats)}
    return list(connection.exec_driver_sql(query, values).scalars())


def _read(connection: sa.Connection, query: sa.Select[Any]) -> list[ReportArtifact]:
    return [
        ReportArtifact(
            row.user_id, Week(row.week_start), row.format, row.url, row.generated_at, row.sha256, row.inputs_sha256
        )
        for row in connection.execute(query)
    ]


def weeks(connection: sa.Connection) -> list[Week]:
    """Those that have a report, ascending."""
    starts = sa.select(report_artifacts.c.week_start).distinct().order_by(report_artifacts.c.week_start)
    return [Week(start) for start in connection.scalars(starts)]


def forget(connection: sa.Connection, week: Week, urls: Sequence[str]) -> int:
    """Delete the week's rows with these addresses; returns how many there were."""
    named = sa.any_(sa.literal(list(urls), sa.ARRAY(sa.Text)))
    rows = sa.delete(report_artifacts).where(
        report_artifacts.c.week_start == week.start, report_artifacts.c.url == named
    )
    return connection.execute(rows).rowcount
