"""What a value in a column of responses may look like, and what it becomes: one rule per kind of column, vectorised.

A rule takes the column as it was read (text from CSV, any type from Parquet) and never guesses: a value that it cannot
read exactly is a mistake, not a null.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

if TYPE_CHECKING:
    Column: TypeAlias = pa.Array[Any]
else:
    Column = pa.Array  # generic in pyarrow's stubs only

_TEXT = pa.large_string()
_UTC = pa.timestamp("us", "UTC")
_BLANK = pa.scalar("", _TEXT)
_ABSENT = pa.scalar(None, _TEXT)
_TOO_LONG = r"(?s)^.{501}"  # PostgreSQL refuses to index much longer texts, with a message about pages
# The largest that the attempt view shows: an integer of PostgreSQL (as milliseconds 24 days), and nine digits.
_LARGEST_MS = 2**31 - 1
_LARGEST_ATTEMPT = 999_999_999
_TRUTH = pa.array(["0", "1", "false", "true"], _TEXT)
_INSTANT = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d(:?\d\d)?)?$"


@dataclass(frozen=True)
class Checked:
    """The column's exact values; or the first `mistake` as (row from 0, what is wrong and what to do).

    `note` says what was cut from the values, where something was.
    """

    values: Column
    mistake: tuple[int, str] | None = None
    note: str = ""


def label(column: Column) -> Checked:
    """Text of at most 500 characters without surrounding blanks, or null; whole numbers become text."""
    if not (_is_text(column.type) or pa.types.is_integer(column.type) or pa.types.is_null(column.type)):
        return _wrong_type(column, "text")
    text: Column = column.cast(_TEXT)
    trimmed = pc.utf8_trim_whitespace(text)
    text = pc.if_else(pc.equal(trimmed, _BLANK), _ABSENT, text)
    return Checked(
        text,
        _first(_where(pc.not_equal(text, trimmed)), "begins or ends with a blank: remove the blank")
        or _first(_where(pc.match_substring_regex(text, r"[\x00-\x1f\x7f]")), "holds a control character: remove it")
        or _first(_where(pc.match_substring_regex(text, _TOO_LONG)), "is longer than 500 characters: shorten it"),
    )


def identifier(column: Column) -> Checked:
    """A label that may not be missing."""
    checked = label(column)
    missing = _first(_where(pc.is_null(checked.values)), "is not an id: fill it in")
    return Checked(checked.values, checked.mistake or missing)


def right_or_wrong(column: Column) -> Checked:
    """Boolean from 1 or true, 0 or false; null, not answered, from nothing."""
    if pa.types.is_boolean(column.type):
        return Checked(column)
    if _is_text(column.type):
        place = _floats(pc.index_in(pc.ascii_lower(column.cast(_TEXT)), value_set=_TRUTH))
        number, unknown = place % 2, np.isnan(place) & _where(pc.is_valid(column))
    elif _is_number(column.type) or pa.types.is_null(column.type):
        number = _floats(column)
        unknown = (number != 0) & (number != 1) & ~np.isnan(number)
    else:
        return _wrong_type(column, "0 or 1")
    says = "is neither 0 (wrong) nor 1 (right): correct it, or leave it empty if the item was not answered"
    return Checked(pa.array(number == 1, pa.bool_(), mask=np.isnan(number)), _first(unknown, says))


def milliseconds(column: Column) -> Checked:
    return _whole(column, 0, _LARGEST_MS, "milliseconds")


def ordinal(column: Column) -> Checked:
    return _whole(column, 1, _LARGEST_ATTEMPT, "attempts")


def instant(column: Column) -> Checked:
    """Microseconds in UTC, from timestamps or ISO 8601 text; without a zone it is UTC. Finer fractions are cut off."""
    says = "is not a date and time: write it such as 2025-01-06T09:30:00Z"
    if mistake := _first(_where(pc.is_null(column)), says):
        return Checked(column, mistake)
    if pa.types.is_timestamp(column.type):
        zoned = column.cast(pa.timestamp(column.type.unit, "UTC"))
        if mistake := _first(_far(zoned), says):
            return Checked(column, mistake)
        whole = zoned.cast(_UTC, safe=False)
        finer = _where(pc.not_equal(whole.cast(zoned.type), zoned)) if column.type.unit == "ns" else np.zeros(0)
        return Checked(whole, note=_cut(finer))
    if not _is_text(column.type):
        return _wrong_type(column, "timestamps, or text such as 2025-01-06T09:30:00Z")
    text: Column = column.cast(_TEXT)
    cut = pc.replace_substring_regex(text, pattern=r"(\.\d{6})\d+", replacement=r"\1")
    exact = _parsed(cut)
    unreadable = _far(exact)
    if len(exact) < len(text):
        unreadable = np.append(unreadable, True)
    return Checked(exact, _first(unreadable, says), _cut(_where(pc.not_equal(cut, text))))


def shown(value: "pa.Scalar[Any]") -> str:
    """The value as a message shows it: on one line, and short."""
    if not value.is_valid:
        return "nothing"
    plain = value.cast(pa.string()) if pa.types.is_timestamp(value.type) else value  # Python has no year 10000
    text = repr(str(plain.as_py()))
    return text if len(text) <= 42 else f"{text[:40]}…'"


def _whole(column: Column, least: int, most: int, what: str) -> Checked:
    if not (_is_text(column.type) or _is_number(column.type) or pa.types.is_null(column.type)):
        return _wrong_type(column, "whole numbers")
    unreadable = np.zeros(len(column), bool)
    if _is_text(column.type):
        column = column.cast(_TEXT)
        unreadable = _where(pc.is_valid(column)) & ~_where(pc.match_substring_regex(column, r"^\d{1,10}(\.0+)?$"))
        column = pc.if_else(pa.array(unreadable), _ABSENT, column)
    number = _floats(column)
    missing = np.isnan(number)
    unreadable |= ~missing & ~((number >= least) & (number <= most) & (np.floor(number) == number))
    exact = np.where(missing | unreadable, 0, number).astype(np.int32)
    says = f"is not a whole number of {what} from {least} to {most}: correct it, or leave it empty"
    return Checked(pa.array(exact, mask=missing), _first(unreadable, says))


def _parsed(text: Column) -> Column:
    """The instants before the first text that is none; shape (n,) where all are."""
    known = _where(pc.match_substring_regex(text, _INSTANT))
    text = text if known.all() else text.slice(0, int(np.argmin(known)))
    for pattern, replacement in ((r"\s([Z+-])", r"\1"), (r"([T ][\d:.]+)\s?$", r"\1Z")):  # all as Arrow reads them
        text = pc.replace_substring_regex(text, pattern=pattern, replacement=replacement)
    # Arrow does not say which text is none. Of the first `good` all are instants, of the first `bad` not.
    good, bad, tried = 0, len(text) + 1, len(text)
    while bad - good > 1:
        try:
            text.slice(good, tried - good).cast(_UTC)
            good = tried
        except pa.ArrowInvalid:
            bad = tried
        tried = (good + bad) // 2
    return text.slice(0, good).cast(_UTC)


def _wrong_type(column: Column, write: str) -> Checked:
    return Checked(column, (0, f"is of the type {column.type}: write {write}"))


def _far(instants: Any) -> NDArray[np.bool_]:
    """Outside the years 1 to 9999, which Python, ISO 8601 and the attempt view have in common."""
    years = _floats(pc.year(instants))
    return (years < 1) | (years > 9999)


def _cut(finer: NDArray[Any]) -> str:
    rows = np.count_nonzero(finer)
    return f"{rows:,} rows were finer than a microsecond and cut to it" if rows else ""


def _first(wrong: NDArray[np.bool_], sentence: str) -> tuple[int, str] | None:
    return (int(np.argmax(wrong)), sentence) if wrong.any() else None


def _where(mask: pa.BooleanArray) -> NDArray[np.bool_]:
    """A null is not so."""
    return mask.fill_null(fill_value=False).to_numpy(zero_copy_only=False)


def _floats(column: Column) -> NDArray[np.float64]:
    """Numbers, or digits, as doubles; NaN (which is how pandas writes a missing number) for null."""
    number = column.cast(pa.float64(), safe=False)
    return number.to_numpy(zero_copy_only=False)


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if isinstance(kind, pa.DictionaryType) else kind
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
