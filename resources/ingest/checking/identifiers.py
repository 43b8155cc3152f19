"""What an id may look like, and which ids are one id written in two ways.

A spreadsheet or a converter turns ids into something else, and learners are then merged or split without a word: such
forms are refused with the remedy. Nothing is mended here: what another file says of the same learner would differ.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from resources.ingest.checking.checked import Checked, Column, Fault, is_text, where, wrong_type

_TEXT = pa.large_string()
_NOTHING, _EMPTY = pa.scalar(None, _TEXT), pa.scalar("", _TEXT)
_DIGITS = 15  # that a spreadsheet keeps of a number
_LONGEST = 500  # PostgreSQL refuses to index much longer texts, with a message about pages
_BLANK = r"[\s\p{Z}]"  # RE2's own \s is ASCII's
# Rules in RE2's words. The order decides which sentence is said of a value that breaks several.
_RULES = (
    (rf"^{_BLANK}|{_BLANK}$", "begins or ends with a blank: remove the blank"),
    (r"[\x00-\x1f\x7f]", "holds a control character: remove it"),
    (
        r"[\p{Cf}\x{034F}\x{115F}\x{1160}\x{3164}\x{FFA0}]",
        "holds a character that cannot be seen, such as a zero-width space: remove it",
    ),
    (r"\x{FFFD}", "holds the mark of a character that was lost: export the file anew, as UTF-8"),
    (
        r"^(?i:nan|na|n/a|#n/a|<na>|none|null|\(null\)|nil|nat|undefined|#+|#(value|ref|name|num|null|div/0)[!?]?)$",
        "is a missing value spelt out: write the id, or leave the row out",
    ),
    (
        r"^[+-]?\d+[.,]\d*[eE][+-]?\d+$|^[+-]?\d+[eE][+-]\d+$",
        "is a number that a spreadsheet has rounded: export the ids as text",
    ),
    (r"^['’]\d", "begins with a spreadsheet's apostrophe: export the ids without it"),
    (r"^=", "is a spreadsheet's formula: export the ids as text"),
    (r"(?s)^.{" + str(_LONGEST + 1) + "}", f"is longer than {_LONGEST} characters: shorten it"),
)
_MONTH = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DATED = rf"^(\d{{1,2}}-{_MONTH}(-\d\d)?|{_MONTH}-\d\d)$"
_AS_A_DATE = "written like a date, as a spreadsheet does with 1-2 or SEP3"
_ODD = "|".join(f"(?:{pattern})" for pattern in (_DATED, *(pattern for pattern, _ in _RULES)))
_WRITTEN_ANOTHER_WAY = r"[^\x20-\x7e]|^\d+\.0+$"


def label(column: Column) -> Checked:
    """Text of at most 500 characters, or null; whole numbers become text, and what is only blanks becomes null."""
    if not (is_text(column.type) or pa.types.is_integer(column.type) or pa.types.is_null(column.type)):
        return wrong_type(column, "text")
    text: Any = column.cast(_TEXT)
    odd = where(pc.match_substring_regex(text, _ODD))
    if not odd.any():
        return Checked(pc.if_else(pc.equal(text, _EMPTY), _NOTHING, text) if _has_empty(text) else text)
    text = pc.if_else(pc.match_substring_regex(text, rf"^{_BLANK}*$"), _NOTHING, text)
    n_dated = int(where(pc.match_substring_regex(text, _DATED)).sum())
    return Checked(
        text,
        tuple(Fault(where(pc.match_substring_regex(text, pattern)), says) for pattern, says in _RULES),
        {_AS_A_DATE: n_dated} if n_dated else {},
    )


def identifier(column: Column) -> Checked:
    """A label that may not be missing."""
    checked = label(column)
    missing = Fault(where(pc.is_null(checked.values)), "is not an id: fill it in")
    return Checked(checked.values, (missing, *checked.faults), checked.notes)


def one_way(text: str) -> str:
    """The same for ids that are one id written in two ways: composed or decomposed characters, full or half width,
    another kind of blank, `12.0` and `12`."""
    folded = text if text.isascii() else " ".join(unicodedata.normalize("NFKC", text).split())
    whole, point, zeros = folded.partition(".")
    return whole if point and whole.isdecimal() and not zeros.strip("0") and zeros else folded


@lru_cache(2**18)
def loosely(text: str) -> str:
    """The same for ids that differ in case, blanks or leading zeros only: a person may have meant one, or two."""
    folded = " ".join(one_way(text).casefold().split())
    return folded.lstrip("0") or "0"


def twins(ids: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of different ids that are one, written in two ways; the first of each pair came first."""
    first: dict[str, str] = {}
    return [(first[key], text) for text in ids if first.setdefault(key := one_way(text), text) != text]


def cut_to_15_digits(text: str) -> bool | None:
    """Whether a number of more than 15 digits has zeros after those, as a spreadsheet leaves it; None of another."""
    if len(text) <= _DIGITS or not text.isdecimal():
        return None
    return not text[_DIGITS:].strip("0")


def may_have_twins(ids: Column) -> bool:
    """False where all are plain: then none is another written differently."""
    return bool(pc.any(pc.match_substring_regex(ids, _WRITTEN_ANOTHER_WAY)).as_py())


def _has_empty(text: Any) -> bool:
    return bool(pc.any(pc.equal(text, _EMPTY)).as_py())
