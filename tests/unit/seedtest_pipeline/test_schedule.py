"""When the weekly schedule runs, and how a week is cut into runs."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from assets.partitions import Partitions
from assets.user_keys import UserKeys
from resources.model import Week
from seedtest_pipeline.automation import schedule
from seedtest_pipeline.automation.schedule import Monday, runs_of

WEEK = Week.parse("2025-01-06")


@pytest.mark.parametrize(
    ("zone", "in_utc"),
    [
        ("UTC", "2025-01-13T06:00"),
        ("America/Los_Angeles", "2025-01-13T14:00"),
        ("Asia/Seoul", "2025-01-12T21:00"),
        ("Pacific/Auckland", "2025-01-12T17:00"),
    ],
)
def test_it_is_six_in_the_morning_where_the_week_has_ended(zone, in_utc, observed):
    """At 06:00 in Seoul a week of UTC had three hours to go: the schedule made the week before once more."""
    observed(zone)
    monday = Monday(ZoneInfo(zone))
    assert monday.cron == "0 6 * * 1"
    at = monday.of(WEEK)
    assert at.astimezone(dt.UTC) == dt.datetime.fromisoformat(in_utc).replace(tzinfo=dt.UTC)
    assert Week.last_complete(at) == WEEK
    assert Partitions(WEEK, UserKeys(4)).weeks.get_partition_keys(current_time=at) == [WEEK.key]


def test_it_is_looked_at_six_hours_later_by_the_same_clock():
    """At 12:00 UTC the schedule of Los Angeles had two hours to go, and its week was not made every Monday."""
    monday = Monday(ZoneInfo("America/Los_Angeles"))
    assert monday.cron_of_check == "0 12 * * 1"
    assert monday.made_by(WEEK).astimezone(dt.UTC) == dt.datetime(2025, 1, 13, 20, tzinfo=dt.UTC)


def test_runs_cover_every_key_once_in_order_and_hold_about_as_many_learners(monkeypatch):
    monkeypatch.setattr(schedule, "LEARNERS_PER_RUN", 100)
    keys = [f"k{n:02d}" for n in range(10)]
    learners = dict(zip(keys, [40, 40, 40, 250, 10, 60, 30, 0, 1, 99], strict=True))
    del learners["k07"]
    runs = [list(run) for run in runs_of(keys, learners)]
    assert [key for run in runs for key in run] == keys
    assert runs == [["k00", "k01"], ["k02"], ["k03"], ["k04", "k05", "k06", "k07"], ["k08", "k09"]]


def test_a_hundred_thousand_learners_in_64_buckets_are_enough_runs_for_several_cores():
    """The size of a run was a number of keys, 500, so that 64 buckets were one run on one core."""
    keys = [f"b{n:03d}of64" for n in range(64)]
    assert len(list(runs_of(keys, dict.fromkeys(keys, 1_563)))) == 11
    users = [f"u{n}" for n in range(1_000)]
    assert len(list(runs_of(users, dict.fromkeys(users, 1)))) == 1
    assert list(runs_of([], {})) == []
