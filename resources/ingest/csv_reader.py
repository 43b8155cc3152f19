"""A CSV file as text columns, with the line of every row as an editor shows it.

Comma, semicolon or tab between the columns, whichever the header uses; UTF-8 with or without a byte order mark; quoted
fields as in RFC 4180, line breaks inside them included. Stays out: what the columns mean.
"""

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from resources.errors import InvalidInput

_ROWS_AT_A_TIME = 1_000  # few enough that the strings stay in the processor's cache: twice as fast as 50,000
_TEXT = pa.large_string()


def read_csv(path: Path, wanted: Sequence[str]) -> tuple[list[str], pa.Table, list[int]]:
    """The header; the `wanted` columns that it has, as text with empty fields null; and each row's first line, from 1.

    Raises:
        InvalidInput: not UTF-8, a row with too few or too many fields, or a quote that is never closed.
    """
    lines: list[int] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            records = _records(file, path.name)
            header = [name.strip() for name in next(records, (1, [""]))[1]]
            kept = [(place, name) for place, name in enumerate(header) if name in wanted]
            schema = pa.schema([(name, _TEXT) for _, name in kept])
            batches = list(_batches(records, [place for place, _ in kept], schema, lines))
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    return header, pa.Table.from_batches(batches, schema), lines


def _records(file: TextIO, name: str) -> Iterator[tuple[int, list[str]]]:
    """First line and fields of every record that is not an empty line; all as wide as the first."""
    start, width = 1, 0
    reader = csv.reader(file, delimiter=_delimiter(file), strict=True)
    try:
        for fields in reader:
            if fields:
                width = width or len(fields)
                if len(fields) != width:
                    raise _uneven(name, start, len(fields), width)
                yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput(
            f"the quotes do not match up ({error}).",
            where=f"{name}, line {start}",
            remedy="Close the quoted field, and double a quote that belongs to the text.",
            outcome="Nothing was loaded.",
        ) from error


def _delimiter(file: TextIO) -> str:
    header = file.readline()
    file.seek(0)
    return max(",;\t", key=header.count)


def _batches(
    records: Iterator[tuple[int, list[str]]], places: list[int], schema: pa.Schema, lines: list[int]
) -> Iterator[pa.RecordBatch]:
    while chunk := list(islice(records, _ROWS_AT_A_TIME)):
        lines.extend(line for line, _ in chunk)
        columns = list(zip(*(fields for _, fields in chunk), strict=True))
        yield pa.record_batch([pa.array([t or None for t in columns[place]], _TEXT) for place in places], schema=schema)


def _uneven(name: str, line: int, found: int, width: int) -> InvalidInput:
    fault = (
        "too few fields (was the file cut off?)" if found < width else "too many fields (a separator not in quotes?)"
    )
    return InvalidInput(
        f"{name}, line {line} has {fault}: {found}, and the header has {width}.",
        where=f"{name}, line {line}",
        remedy="Export it anew.",
        outcome="Nothing was loaded.",
    )


def _not_utf8(path: Path) -> InvalidInput:
    """No line break is part of another character in UTF-8, so the lines can be tried one by one."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                byte = f"byte 0x{line[error.start]:02X} at position {error.start + 1}"
                return _save_as_utf8(f"{path.name}, line {number}", f"is not UTF-8 ({byte})")
    return _save_as_utf8(path.name, "is not UTF-8")


def _save_as_utf8(where: str, fault: str) -> InvalidInput:
    remedy = "save the file as UTF-8."
    return InvalidInput(f"{where} {fault}", where=where, remedy=remedy, outcome="Nothing was loaded.")
