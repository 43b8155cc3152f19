import datetime as dt
import math

import pytest

from resources.model import Week
from resources.reports import wording


@pytest.mark.parametrize(("value", "text"), [(-0.001, "0.00"), (-0.5, "−0.50"), (1.005, "1.00"), (12, "12.00")])
def test_numbers_have_a_true_minus_and_no_negative_zero(value: float, text: str) -> None:
    assert wording.number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.12, "+0.12"), (-0.12, "−0.12"), (0.001, "0.00")])
def test_a_change_that_rounds_to_zero_has_no_sign(value: float, text: str) -> None:
    assert wording.signed(value) == text


@pytest.mark.parametrize(
    ("ms", "text"), [(400, "under 1 s"), (42_000, "42 s"), (119_400, "119 s"), (146_000, "2 min 26 s"), (math.nan, "–")]
)
def test_durations(ms: float, text: str) -> None:
    assert wording.duration(ms) == text


@pytest.mark.parametrize(
    ("monday", "text"),
    [
        (dt.date(2025, 1, 6), "6–12 January 2025"),
        (dt.date(2025, 1, 27), "27 January – 2 February 2025"),
        (dt.date(2024, 12, 30), "30 December 2024 – 5 January 2025"),
    ],
)
def test_a_week_names_month_and_year_once_where_it_can(monday: dt.date, text: str) -> None:
    assert wording.week(Week(monday)) == text


def test_an_instant_is_told_in_utc() -> None:
    seoul = dt.timezone(dt.timedelta(hours=9))
    assert wording.instant(dt.datetime(2025, 1, 13, 9, 0, tzinfo=seoul)) == "13 January 2025, 00:00 UTC"


def test_a_name_is_one_printable_line_of_bounded_length() -> None:
    assert wording.name("a\nb\u202ec\x00\ud800") == "a\ufffdb\ufffdc\ufffd\ufffd"
    assert wording.name("الهندسة 比例") == "الهندسة 比例"
    assert len(wording.name("x" * 10_000)) == wording.LONGEST_NAME
    assert wording.name("x" * 10_000).endswith("…")
