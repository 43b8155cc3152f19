import datetime as dt
import math

import pytest

from docs.sample_learner import ENGLISH, KOREAN
from resources.model import Week
from resources.reports.i18n.wording import LONGEST_NAME, name


@pytest.mark.parametrize(("value", "text"), [(-0.001, "0.00"), (-0.5, "−0.50"), (1.005, "1.00"), (12, "12.00")])
def test_numbers_have_a_true_minus_and_no_negative_zero(value: float, text: str) -> None:
    assert ENGLISH.number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.12, "+0.12"), (-0.12, "−0.12"), (0.001, "0.00")])
def test_a_change_that_rounds_to_zero_has_no_sign(value: float, text: str) -> None:
    assert ENGLISH.signed(value) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (400, "under 1 s"), (42_000, "42 s"), (119_400, "119 s"), (146_000, "2 min 26 s"), (1_680_000, "28 min"),
        (7_260_000, "2 h 1 min"), (7_200_000, "2 h"), (math.nan, "–"),
    ],
)  # fmt: skip
def test_durations(ms: float, text: str) -> None:
    """28 minutes were told as 28 min 0 s, and 16 min 48 s broken before the last letter."""
    assert ENGLISH.duration(ms) == text.replace(" ", "\u00a0")


@pytest.mark.parametrize(
    ("ms", "lines"),
    [
        (45_000, ("45 s", "")), (146_000, ("2 min", "")), (3_590_000, ("1 h", "")), (16_800_000, ("4 h", "40 min")),
    ],
)  # fmt: skip
def test_under_a_column_a_duration_is_told_in_lines_of_one_unit(ms: float, lines: tuple[str, str]) -> None:
    assert ENGLISH.short_duration(ms) == lines


@pytest.mark.parametrize(
    ("monday", "text"),
    [
        (dt.date(2025, 1, 6), "6–12 Jan 2025"),
        (dt.date(2025, 1, 27), "27 Jan\u2009–\u20092 Feb 2025"),
        (dt.date(2024, 12, 30), "30 Dec 2024\u2009–\u20095 Jan 2025"),
    ],
)
def test_a_week_names_month_and_year_once_where_it_can(monday: dt.date, text: str) -> None:
    assert ENGLISH.week(Week(monday)) == text


def test_an_instant_is_told_in_utc() -> None:
    seoul = dt.timezone(dt.timedelta(hours=9))
    assert ENGLISH.instant(dt.datetime(2025, 1, 13, 9, 0, tzinfo=seoul)) == "13 January 2025, 00:00 UTC"


def test_korean_writes_dates_counts_and_durations_in_its_own_form() -> None:
    assert KOREAN.week(Week(dt.date(2025, 1, 6))) == "2025년 1월 6일~12일"
    assert KOREAN.week(Week(dt.date(2024, 12, 30))) == "2024년 12월 30일 ~ 2025년 1월 5일"
    assert KOREAN.weekday(dt.date(2025, 1, 6)) == "1월 6일 (월)"
    assert KOREAN.instant(dt.datetime(2025, 1, 13, tzinfo=dt.UTC)) == "2025년 1월 13일 00:00(UTC)"
    assert (KOREAN.answers(1), KOREAN.answers(1234)) == ("1문제", "1,234문제")
    assert [KOREAN.duration(ms) for ms in (400, 42_000, 146_000)] == ["1초\u00a0미만", "42초", "2분\u00a026초"]
    assert KOREAN.share(3, 5) == "5개 중 3개"


def test_a_name_is_one_printable_line_of_bounded_length() -> None:
    assert name("a\nb\u202ec\x00\ud800\ue000\U0010ffff") == "a\ufffdb\ufffdc\ufffd\ufffd\ufffd\ufffd"
    assert name("الهندسة 比例") == "الهندسة 比例"
    assert len(name("x" * 10_000)) == LONGEST_NAME
    assert name("x" * 10_000).endswith("…")
