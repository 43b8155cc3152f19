import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources import calendar
from resources.errors import InvalidInput
from resources.model import ItemBank, Week, safe_key


def test_a_week_is_monday_to_monday():
    week = Week.parse("2025-01-06")
    assert week.begins_at == dt.datetime(2025, 1, 6, tzinfo=dt.UTC)
    assert week.ends_at == dt.datetime(2025, 1, 13, tzinfo=dt.UTC)
    assert Week.containing(week.ends_at - dt.timedelta(microseconds=1)) == week
    assert Week.containing(week.ends_at) == week.plus(1)


def test_an_instant_in_another_zone_belongs_to_the_calendars_week(observed):
    """Monday 08:30 in Seoul stood in the report of the week before."""
    at = dt.datetime(2025, 1, 6, 8, 30, tzinfo=ZoneInfo("Asia/Seoul"))
    assert Week.containing(at) == Week.parse("2024-12-30")
    observed("Asia/Seoul")
    assert Week.containing(at) == Week.parse("2025-01-06")


@pytest.mark.parametrize("zone", ["Asia/Seoul", "Asia/Beirut", "America/Havana", "America/Asuncion"])
def test_weeks_follow_on_each_other_where_clocks_are_changed(zone, observed):
    """In Beirut, Havana and Asuncion clocks were changed at midnight, on some days to the hour before or after."""
    observed(zone)
    for week in Week.parse("2015-01-05").through(Week.parse("2026-12-28")):
        assert Week.containing(week.begins_at) == week
        assert Week.containing(week.ends_at - dt.timedelta(microseconds=1)) == week
        assert week.ends_at == week.plus(1).begins_at
        assert calendar.weeks_between(week.begins_at, week.ends_at) == 1


def test_a_day_that_is_no_monday_names_the_monday():
    with pytest.raises(InvalidInput, match=r"Wednesday.*use 2025-01-06"):
        Week.parse("2025-01-08")


@pytest.mark.parametrize("text", ["2025-13-01", "last week", ""])
def test_text_that_is_no_date_is_refused(text):
    with pytest.raises(InvalidInput, match="is not a date"):
        Week.parse(text)


def test_the_last_complete_week_on_a_monday_morning_is_the_one_that_just_ended():
    assert Week.last_complete(dt.datetime(2025, 1, 13, 6, tzinfo=dt.UTC)) == Week.parse("2025-01-06")


def test_through_counts_both_ends_and_nothing_backwards():
    first = Week.parse("2025-01-06")
    assert [w.key for w in first.through(first.plus(2))] == ["2025-01-06", "2025-01-13", "2025-01-20"]
    assert list(first.through(first.plus(-1))) == []


@given(st.lists(st.text(min_size=1), min_size=2, max_size=2, unique=True))
def test_safe_keys_never_collide_even_where_case_does_not_count(ids):
    assert safe_key(ids[0]).lower() != safe_key(ids[1]).lower()


@given(st.text())
def test_safe_keys_hold_nothing_that_a_path_a_url_or_dagster_reads(user_id):
    key = safe_key(user_id)
    assert 1 <= len(key) <= 120
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_~")


@pytest.mark.parametrize(
    ("user_id", "key"),
    [("u17632", "u17632"), ("../x", "~2e~2e~2fx"), ("a|b", "a~7cb"), ("U1", "~551"), ("a~b", "a~7eb")],
)
def test_usual_ids_stay_readable_and_odd_ones_become_harmless(user_id, key):
    assert safe_key(user_id) == key


def test_two_long_ids_of_the_same_beginning_differ():
    assert safe_key("x" * 10_000) != safe_key("x" * 10_001)


@pytest.mark.parametrize(("a", "b", "c"), [(0.0, 0.0, 0.0), (1.0, np.nan, 0.0), (1.0, 0.0, 1.0), (np.nan, 0.0, 0.0)])
def test_a_bank_with_an_impossible_item_names_it(a, b, c):
    with pytest.raises(InvalidInput, match="item q2 has"):
        ItemBank("v1", "3PL", ("q1", "q2"), np.array([1.0, a]), np.array([0.0, b]), np.array([0.2, c]))
