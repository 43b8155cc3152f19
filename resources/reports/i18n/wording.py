"""Numbers, dates, counts and short texts in the report's language.

English text is the message's id, and quarto/locales/ko.po has the Korean. Whole sentences stand in the document,
quarto/weekly_report.qmd.
"""

import datetime as dt
import functools
from dataclasses import dataclass
from gettext import NullTranslations
from pathlib import Path
from unicodedata import category

from babel.core import Locale
from babel.dates import format_date, format_interval, format_skeleton

from resources import calendar
from resources.model import Language, Week
from resources.reports.i18n.catalogue import translations

NONE = "–"

# English as the pages have always written it: the day before the month.
_LOCALES = {"en": "en_GB", "ko": "ko_KR"}
# Bidirectional controls could reorder the words around them.
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Control characters, surrogates, private use, unassigned: no page can show them, and no font has them.
_UNSHOWABLE = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
LONGEST_NAME = 120


def name(text: str) -> str:
    """A name from outside, in one line: what cannot be printed shows as the replacement character, an excess as `…`."""
    shown = "".join(map(_shown, text[: LONGEST_NAME + 1]))
    return shown if len(shown) <= LONGEST_NAME else shown[: LONGEST_NAME - 1] + "…"


def _shown(character: str) -> str:
    return "\ufffd" if character in _DIRECTION or category(character) in _UNSHOWABLE else character


@dataclass(frozen=True)
class Words:
    """Texts of one language; `catalogue` is a PO file's content, empty for English.

    `text` and `count` are called with literals: a test collects them from the code.
    """

    language: Language = "en"
    catalogue: str = ""

    def text(self, message: str, **values: str) -> str:
        """`message` in this language, with `values` for its placeholders, as in `{n} of {all}`.

        Raises:
            TemplateBroken: the catalogue does not have it.
        """
        found = self._translations.gettext(message)
        return found.format(**values) if values else found

    def count(self, n: int, one: str, many: str) -> str:
        """The message that agrees with `n`, which stands at its `{n}`: `count(2, "{n} day", "{n} days")`.

        Raises:
            TemplateBroken: the catalogue does not have it.
        """
        return self._translations.ngettext(one, many, n).format(n=self.number(n, 0))

    def answers(self, n: int) -> str:
        return self.count(n, "{n} answer", "{n} answers")

    def days(self, n: int) -> str:
        return self.count(n, "{n} day", "{n} days")

    def share(self, n: float, of: int, digits: int = 0) -> str:
        return self.text("{n} of {all}", n=self.number(n, digits), all=self.number(of, 0))

    def number(self, value: float, digits: int = 2) -> str:
        """With a true minus sign; never a negative zero."""
        text = f"{round(value, digits) + 0.0:,.{digits}f}"
        return text if text.isdecimal() else text.translate(_marks(self.language))

    def signed(self, value: float, digits: int = 2) -> str:
        text = self.number(value, digits)
        return f"+{text}" if round(value, digits) > 0 else text

    def percent(self, share: float) -> str:
        return f"{self.number(100 * share, 0)}%"

    def duration(self, milliseconds: float) -> str:
        """Seconds below two minutes, minutes and seconds below an hour, hours and minutes above; a dash for NaN.

        The smaller unit is left out where there is none of it. In one line: its spaces do not break.
        """
        return self._duration(milliseconds).replace(" ", "\u00a0")

    def _duration(self, milliseconds: float) -> str:
        if milliseconds != milliseconds:  # NaN
            return NONE
        seconds = round(milliseconds / 1000)
        if seconds < 1:
            return self.text("under 1 s")
        if seconds < 120:
            return self.text("{seconds} s", seconds=str(seconds))
        minutes, rest = divmod(seconds, 60)
        if minutes < 60 and rest:
            return self.text("{minutes} min {seconds} s", minutes=str(minutes), seconds=str(rest))
        if minutes < 60:
            return self.text("{n} min", n=str(minutes))
        hours, minutes = divmod(minutes, 60)
        if minutes:
            return self.text("{hours} h {minutes} min", hours=self.number(hours, 0), minutes=str(minutes))
        return self.text("{n} h", n=self.number(hours, 0))

    def short_duration(self, milliseconds: float) -> tuple[str, str]:
        """The same to the minute, in two lines of one unit each; the second may be empty."""
        minutes = round(milliseconds / 60_000)
        if minutes < 2:
            return self._duration(milliseconds), ""
        hours, minutes = divmod(minutes, 60)
        short = self.text("{n} min", n=str(minutes)) if minutes else ""
        return (self.text("{n} h", n=self.number(hours, 0)), short) if hours else (short, "")

    def date(self, day: dt.date) -> str:
        return _date(self.language, day)

    def short_date(self, day: dt.date) -> str:
        return _skeleton(self.language, "MMMd", day)

    def weekday_alone(self, day: dt.date) -> str:
        return _skeleton(self.language, "E", day)

    def weekday(self, day: dt.date) -> str:
        return _skeleton(self.language, "MMMEd", day)

    def instant(self, at: dt.datetime) -> str:
        there = at.astimezone(calendar.zone())
        return self.text(
            "{date}, {time} {zone}", date=self.date(there.date()), time=f"{there:%H:%M}", zone=f"{there:%Z}"
        )

    def week(self, week: Week) -> str:
        """`6–12 Jan 2025`: month and year once where they are the same."""
        return _interval(self.language, week.start, week.start + dt.timedelta(days=6))

    def week_of(self, week: Week) -> str:
        return self.text("the week of {date}", date=self.date(week.start))

    @functools.cached_property
    def _translations(self) -> NullTranslations:
        return translations(self.catalogue) if self.language != "en" else NullTranslations()


def words_of(source_dir: Path, language: Language, catalogue: str = "locales") -> Words:
    """English is what the documents are written in; every other language has a file in the folder `catalogue`."""
    return Words(language, "" if language == "en" else (source_dir / catalogue / f"{language}.po").read_text("utf-8"))


# All learners of a week share its dates, and CLDR takes 20 to 70 µs to write one.
@functools.lru_cache(maxsize=4096)
def _date(language: Language, day: dt.date) -> str:
    return format_date(day, "long", locale=_LOCALES[language])


@functools.lru_cache(maxsize=4096)
def _skeleton(language: Language, skeleton: str, day: dt.date) -> str:
    return format_skeleton(skeleton, dt.datetime.combine(day, dt.time()), locale=_LOCALES[language])


@functools.lru_cache(maxsize=1024)
def _interval(language: Language, first: dt.date, last: dt.date) -> str:
    return format_interval(first, last, "yMMMd", locale=_LOCALES[language])


@functools.cache
def _marks(language: Language) -> dict[int, str]:
    """From Python's to the language's marks in numbers."""
    symbols = Locale.parse(_LOCALES[language]).number_symbols["latn"]
    return str.maketrans({",": symbols["group"], ".": symbols["decimal"], "-": "−"})
