"""One row per user, week and format, whatever is generated again."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine, transaction
from resources.database.queries.reports import report_artifacts
from resources.model import ReportArtifact, Week

WEEK = Week(dt.date(2025, 1, 6))
SEOUL = dt.timezone(dt.timedelta(hours=9))
HTML = ReportArtifact(
    "u1", WEEK, "html", "file:///reports/u,1/a b.html", dt.datetime(2025, 1, 13, 6, 0, 0, 7, SEOUL), "ab" * 32
)


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    engine = make_engine(database_url)
    with transaction(engine) as connection:
        yield connection
    engine.dispose()


def test_what_is_recorded_comes_back(connection: sa.Connection) -> None:
    pdf, other = replace(HTML, format="pdf", sha256=None), replace(HTML, user_id="ü2")
    mail, teachers = replace(HTML, format="eml"), replace(HTML, edition="teacher", inputs_sha256="0" * 64)
    later = replace(HTML, week=WEEK.plus(1))
    assert report_artifacts.record(connection, [other, teachers, mail, pdf, later, HTML]) == 6
    assert report_artifacts.of_week(connection, WEEK) == [HTML, mail, pdf, teachers, other]
    assert report_artifacts.first(connection, WEEK) == HTML
    assert report_artifacts.of_user(connection, "u1", WEEK, "teacher") == [teachers]
    assert report_artifacts.of_week(connection, WEEK, ["ü2", "nobody"]) == [other]
    assert report_artifacts.of_week(connection, WEEK, []) == []
    assert report_artifacts.of_week(connection, WEEK.plus(2)) == []


def test_a_report_made_again_takes_the_place_of_the_old_one(connection: sa.Connection) -> None:
    report_artifacts.record(connection, [HTML])
    (first,) = connection.exec_driver_sql("SELECT id FROM report_artifacts").scalars()
    again = replace(
        HTML, url="https://example.org/r.html", sha256="cd" * 32, generated_at=HTML.generated_at + dt.timedelta(1)
    )
    assert report_artifacts.record(connection, [again]) == 1
    assert report_artifacts.of_week(connection, WEEK) == [again]
    assert connection.exec_driver_sql("SELECT id FROM report_artifacts").scalars().all() == [first]


def test_nothing_to_record(connection: sa.Connection) -> None:
    assert report_artifacts.record(connection, []) == 0


def test_weeks_are_those_with_a_report_and_forgetting_takes_the_named_rows_of_one(connection: sa.Connection) -> None:
    assert report_artifacts.weeks(connection) == []
    pdf, later = replace(HTML, format="pdf", url="s3://b/k"), replace(HTML, week=WEEK.plus(1))
    report_artifacts.record(connection, [later, HTML, pdf])
    assert report_artifacts.weeks(connection) == [WEEK, WEEK.plus(1)]
    assert report_artifacts.forget(connection, WEEK, []) == 0
    assert report_artifacts.forget(connection, WEEK, [HTML.url, "s3://b/nobody"]) == 1
    assert report_artifacts.of_week(connection, WEEK) == [pdf]
    assert report_artifacts.of_week(connection, WEEK.plus(1)) == [later]
