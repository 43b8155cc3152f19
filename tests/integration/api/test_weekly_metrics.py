"""What `/metrics` tells of the weekly run, which an operator hears of even where Dagster is away."""

import datetime as dt
import re

import sqlalchemy as sa

from resources.database.schema.tables import ability_weeks
from tests.waiting import until

MONDAYS = [dt.date(2025, 1, 6) + dt.timedelta(weeks=n) for n in range(3)]
NEWEST, OUTDATED = "seedtest_reports_newest_week_timestamp_seconds", "seedtest_reports_outdated_user_keys"


def told(api, name):
    return float(re.search(rf"(?m)^{name} (\S+)$", api.get("/metrics").text)[1])


def test_the_newest_week_with_reports_and_what_is_out_of_date(engine, serve):
    rows = [  # the newest has abilities and no reports; one of the first two is out of date
        (MONDAYS[0], "b0", "1", "1"),
        (MONDAYS[0], "b1", "2", "1"),
        (MONDAYS[1], "b0", "3", "3"),
        (MONDAYS[2], "b0", "4", None),
    ]
    names = ("week_start", "user_key", "fingerprint", "reported")
    with engine.begin() as connection:
        connection.execute(sa.insert(ability_weeks), [dict(zip(names, row, strict=True), made_from="") for row in rows])
    api = serve()
    until(lambda: told(api, NEWEST))  # a scrape does not wait long for the database, and the next has what it read
    assert dt.datetime.fromtimestamp(told(api, NEWEST), dt.UTC).date() == MONDAYS[1]
    assert told(api, OUTDATED) == 1


def test_metrics_are_told_where_the_database_is_down_or_nothing_was_made(serve):
    assert told(serve(), NEWEST) == 0
    down = serve(database_url="postgresql://nobody:nothing@127.0.0.1:1/nothing")
    assert told(down, NEWEST) == 0
