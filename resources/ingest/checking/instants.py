"""When an answer was given: timestamps, ISO 8601 text, or seconds or milliseconds since 1970, as microseconds in UTC.

Only instants that an answer can have: a placeholder such as 0001-01-01 or 1970-01-01 would make the weeks begin there.
"""

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from resources.ingest.checking.checked import Checked, Column, Fault, is_number, is_text, where, wrong_type

EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_ONE_DAY = dt.timedelta(days=1)  # a clock that is fast, or a zone that was not told

_TEXT = pa.large_string()
_UTC = pa.timestamp("us", "UTC")
_PLAIN = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?Z$"
_SHAPE = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d(:?\d\d)?)?$"
_ZONED = r"(Z|\d\d:\d\d(:\d\d(\.\d+)?)?\s?[+-]\d\d(:?\d\d)?)$"
_EPOCH = r"^\d{9,19}(\.\d+)?$"
_FINER = r"(\.\d{6})\d+"
_MISSING = np.iinfo(np.int64).min
_SAYS = "is not a date and time: write it such as 2025-01-06T09:30:00Z"
_EARLY = f"lies before {EARLIEST:%Y-%m-%d}, as a placeholder does: write the time of the answer, or leave the row out"
_LATE = "lies in the future: write the time of the answer"
_CUT = "finer than a microsecond and cut to it"
_NO_ZONE = "without a time zone and taken as UTC"


def instant(column: Column) -> Checked:
    """Microseconds in UTC. Without a zone it is UTC; finer fractions are cut off; both are counted."""
    if pa.types.is_timestamp(column.type):
        return _from_timestamps(column)
    if is_number(column.type):
        return _checked(_from_epoch(column), {})
    if is_text(column.type):
        return _from_text(column.cast(_TEXT))
    if pa.types.is_null(column.type):
        return _checked(np.full(len(column), _MISSING), {})
    return wrong_type(column, "timestamps, or text such as 2025-01-06T09:30:00Z")


def _from_timestamps(column: Any) -> Checked:
    zoned = column.cast(pa.timestamp(column.type.unit, "UTC"))
    years: Any = pc.year(zoned)  # beyond 9999 there are no microseconds in 64 bits
    readable = pc.and_(pc.greater_equal(years, pa.scalar(1)), pc.less_equal(years, pa.scalar(9999)))
    whole = pc.if_else(readable, zoned, pa.scalar(None, zoned.type)).cast(_UTC, safe=False)
    finer = where(pc.not_equal(whole.cast(zoned.type), zoned)) if column.type.unit == "ns" else np.zeros(0, bool)
    notes = {_CUT: int(finer.sum())}
    if column.type.tz is None:
        notes[_NO_ZONE] = len(column) - column.null_count
    return _checked(_microseconds(whole), notes)


def _from_text(text: Column) -> Checked:
    plain = where(pc.match_substring_regex(text, _PLAIN))
    if plain.all():
        exact = _cast(text)
        if exact is not None:
            return _checked(exact, {})
    cut = pc.replace_substring_regex(text, pattern=_FINER, replacement=r"\1")
    micros = np.full(len(text), _MISSING)
    for row, value in enumerate(_spelt_alike(cut).to_pylist()):
        if value is not None:
            micros[row] = _parsed(value)
    epoch = where(pc.match_substring_regex(text, _EPOCH))
    if epoch.any():
        numbers = pc.if_else(pa.array(epoch), text, pa.scalar(None, _TEXT))
        micros = np.where(epoch, _from_epoch(numbers.cast(pa.float64())), micros)
    read = (micros != _MISSING) & ~epoch
    zoned = where(pc.match_substring_regex(text, _ZONED))
    notes = {
        _CUT: int((read & where(pc.not_equal(cut, text))).sum()),
        _NO_ZONE: int((read & ~zoned).sum()),
    }
    return _checked(micros, notes)


def _cast(text: Column) -> NDArray[np.int64] | None:
    """None where Arrow finds one that is no instant, such as 30 February; it does not say which."""
    try:
        return _microseconds(text.cast(_UTC))
    except pa.ArrowInvalid:
        return None


def _spelt_alike(text: Column) -> Column:
    """Those of the right shape, with a zone and no blank before it; null for others."""
    text = pc.if_else(pc.match_substring_regex(text, _SHAPE), text, pa.scalar(None, _TEXT))
    for pattern, replacement in ((r"\s([Z+-])", r"\1"), (r"([T ][\d:.]+)\s?$", r"\1Z")):
        text = pc.replace_substring_regex(text, pattern=pattern, replacement=replacement)
    return text


def _parsed(text: str) -> int:
    try:
        return _since_1970(dt.datetime.fromisoformat(text))
    except (ValueError, OverflowError):  # the latter of the year 1 east of Greenwich
        return int(_MISSING)


def _from_epoch(column: Column) -> NDArray[np.int64]:
    """Seconds, milli-, micro- or nanoseconds since 1970, by their size: of plausible instants no two units overlap."""
    number = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    exact = column.cast(pa.int64(), safe=False).to_numpy(zero_copy_only=False) if _whole(column) else None
    micros = np.full(len(number), _MISSING)
    for per_second in (1, 10**3, 10**6, 10**9):
        with np.errstate(invalid="ignore"):
            of_unit = (number >= _seconds(EARLIEST) * per_second) & (number < _seconds(_latest()) * per_second)
        if exact is not None and per_second > 10**3:
            found = exact[of_unit] * 10**6 // per_second
        else:
            found = np.rint(number[of_unit] / per_second * 10**6).astype(np.int64)
        micros[of_unit] = found
    return micros


def _whole(column: Column) -> bool:
    return bool(pa.types.is_integer(column.type)) and not column.null_count


def _checked(micros: NDArray[np.int64], notes: dict[str, int]) -> Checked:
    unread = micros == _MISSING
    early = ~unread & (micros < _since_1970(EARLIEST))
    late = micros > _since_1970(_latest())
    values = pa.array(np.where(unread, 0, micros), pa.int64()).cast(_UTC)
    faults = (Fault(unread, _SAYS), Fault(early, _EARLY), Fault(late, _LATE))
    return Checked(values, faults, {note: n for note, n in notes.items() if n})


def _microseconds(instants: Column) -> NDArray[np.int64]:
    filled: NDArray[np.int64] = instants.cast(pa.int64()).fill_null(int(_MISSING)).to_numpy(zero_copy_only=False)
    return filled


def _latest() -> dt.datetime:
    return dt.datetime.now(dt.UTC) + _ONE_DAY


def _seconds(at: dt.datetime) -> int:
    return int(at.timestamp())


def _since_1970(at: dt.datetime) -> int:
    """Microseconds, without a double between."""
    return (at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
