"""Numbers, dates and counts as English text; the sentences stand in the document, quarto/weekly_report.qmd."""

import datetime as dt
import re

from resources.model import Week

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

NONE = "–"

# Control characters and lone surrogates cannot stand in HTML; bidirectional controls could reorder the words around.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
LONGEST_NAME = 120


def name(text: str) -> str:
    """A name from outside, in one line: what cannot be printed shows as the replacement character, an excess as `…`."""
    shown = _UNPRINTABLE.sub("\ufffd", text[: LONGEST_NAME + 1])
    return shown if len(shown) <= LONGEST_NAME else shown[: LONGEST_NAME - 1] + "…"


def number(value: float, digits: int = 2) -> str:
    """With a true minus sign; never a negative zero."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def signed(value: float, digits: int = 2) -> str:
    text = number(value, digits)
    return text if text.startswith("−") or not float(text) else f"+{text}"


def percent(share: float) -> str:
    return f"{round(100 * share)} %"


def count(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"


def answers(n: int) -> str:
    return count(n, "answer", "answers")


def duration(milliseconds: float) -> str:
    """Whole seconds below two minutes, whole minutes and seconds above; a dash for NaN."""
    if milliseconds != milliseconds:  # NaN
        return NONE
    seconds = round(milliseconds / 1000)
    if seconds < 1:
        return "under 1 s"
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min {seconds % 60} s"


def date(day: dt.date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def short_date(day: dt.date) -> str:
    return f"{day.day} {MONTHS[day.month - 1][:3]}"


def weekday(day: dt.date) -> str:
    return f"{DAYS[day.weekday()]} {short_date(day)}"


def instant(at: dt.datetime) -> str:
    utc = at.astimezone(dt.UTC)
    return f"{date(utc)}, {utc:%H:%M} UTC"


def week(week: Week) -> str:
    """`6–12 January 2025`, or `30 December 2024 – 5 January 2025`."""
    first, last = week.start, week.start + dt.timedelta(days=6)
    if first.month == last.month:
        return f"{first.day}–{date(last)}"
    if first.year == last.year:
        return f"{first.day} {MONTHS[first.month - 1]} – {date(last)}"
    return f"{date(first)} – {date(last)}"


def week_of(week: Week) -> str:
    return f"the week of {date(week.start)}"
