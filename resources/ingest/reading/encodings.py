"""A text that is not in its encoding: which byte of which line, and which encoding it may be in. That is advice."""

import codecs

from resources.errors import InvalidInput
from resources.ingest.checking.faults import NOTHING_LOADED

_LINE_END = b"\n"
_SAMPLE = 100_000  # bytes, from a little before the first that does not fit


def known(name: str) -> str:
    """The name as Python has it.

    Raises:
        InvalidInput: there is no such encoding.
    """
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise InvalidInput(
            f"There is no encoding {name}", remedy="name one such as cp949, cp1252, shift_jis or utf-16."
        ) from error


def not_in(encoding: str, name: str, data: bytes, error: UnicodeDecodeError, line: int | None) -> InvalidInput:
    """`data` begins at `line`, where that is known: no line break is part of another character in UTF-8."""
    before = data[: error.start]
    byte = f"byte 0x{data[error.start]:02X}"
    where = name
    if line is not None:
        where = f"{name}, line {line + before.count(_LINE_END)}"
        byte += f" at position {error.start - before.rfind(_LINE_END)}"
    return InvalidInput(
        f"{where} is not {encoding} ({byte})",
        where=where,
        remedy=f"save the file as UTF-8, or name its encoding{_advice(data[max(0, error.start - 200) :])}.",
        outcome=NOTHING_LOADED,
    )


def utf16(name: str) -> InvalidInput:
    remedy = "save it as UTF-8, or name the encoding: --encoding utf-16."
    return InvalidInput(f"{name} is UTF-16", where=name, remedy=remedy, outcome=NOTHING_LOADED)


def _advice(data: bytes) -> str:
    from charset_normalizer import from_bytes  # here: only a mistake needs it

    best = from_bytes(data[:_SAMPLE]).best()
    return f": it looks like --encoding {best.encoding}" if best and best.encoding not in ("utf_8", "ascii") else ""
