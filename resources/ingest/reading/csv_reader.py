"""A CSV file as text columns, some thousand rows at a time, with the line of every row as an editor shows it.

Comma, semicolon or tab between the columns, whichever the header uses; quoted fields as in RFC 4180, line breaks inside
them included. Arrow reads what is plain; Python's csv, slower and strict, the rest. Stays out: what columns mean.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import IO, Literal, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.csv

from resources.errors import InvalidInput
from resources.ingest.checking.faults import NOTHING_LOADED
from resources.ingest.reading.encodings import not_in, utf16
from resources.model import Ints

_BLOCK_BYTES = 4_000_000
_ROWS_AT_A_TIME = 1_000  # few enough that the strings stay in the processor's cache: twice as fast as 50,000
_CHUNKS = 50  # of so many rows are one table
_TEXT = pa.large_string()
_QUOTE = b'"'
_MARK = b"\xef\xbb\xbf"  # UTF-8's byte order mark
# Of one field; Python's own limit is 131,072 characters, and an essay in a column that nobody asks for may be longer.
_LONGEST_FIELD = 2**31 - 1

Complain = Callable[[int, str, str], None]  # of a line: its kind of mistake, and the mistake


class CsvReader:
    """`header` names the columns; `tables` gives the wanted ones, with each row's first line, from 1.

    Lines that are no rows are told to `complain`, and left out.

    Raises:
        InvalidInput: the text is not in `encoding`, which may be None: UTF-8.
    """

    def __init__(self, name: str, stream: IO[bytes], encoding: str | None, complain: Complain) -> None:
        self._name = name
        self._encoding = encoding
        self._complain = complain
        self._line = 1  # of what comes next
        csv.field_size_limit(_LONGEST_FIELD)
        self._blocks = self._decoded(stream) if encoding else _blocks(stream)
        first = next(self._blocks, b"")
        if first.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in first.split(b"\n", 1)[0]:
            raise utf16(name)
        self._delimiter, self.header, rest = self._read_header(first.removeprefix(_MARK))
        self._blocks = chain([rest] if rest else [], self._blocks)

    def tables(self, wanted: Sequence[str]) -> Iterator[tuple[pa.Table, Ints]]:
        """Text columns with empty fields null, named as in the header."""
        for block in self._blocks:
            lines = block.count(b"\n")
            fast = self._by_arrow(block, wanted) if _row_is_line(block, self._delimiter) else None
            if fast is not None:
                yield fast, np.arange(self._line, self._line + fast.num_rows)
            elif block.count(_QUOTE) % 2:  # a quoted field goes on in the next block
                yield from self._by_csv(chain([block], self._blocks), wanted)
                return
            else:
                yield from self._by_csv([block], wanted)
            self._line += lines

    def _read_header(self, block: bytes) -> tuple[str, list[str], bytes]:
        """The delimiter, the names, and what comes after the header's record."""
        lines = self._texts([block])
        reader = csv.reader(lines, delimiter=_delimiter(block), strict=True)
        try:
            header = next((fields for fields in reader if fields), [""])
        except csv.Error as error:
            self._unmatched(1, error)
        self._line += reader.line_num
        return _delimiter(block), [name.strip() for name in header], "".join(lines).encode()

    def _by_arrow(self, block: bytes, wanted: Sequence[str]) -> pa.Table | None:
        """None where a row is too short or too long, or not UTF-8: Python's csv says which."""
        uneven = False

        def handle(_: object) -> Literal["skip"]:
            nonlocal uneven
            uneven = True
            return "skip"

        try:
            table = pyarrow.csv.read_csv(
                io.BytesIO(block),
                pyarrow.csv.ReadOptions(
                    use_threads=False, block_size=len(block) + 1, column_names=distinct(self.header)
                ),
                pyarrow.csv.ParseOptions(
                    delimiter=self._delimiter, quote_char='"', invalid_row_handler=handle, ignore_empty_lines=True
                ),
                pyarrow.csv.ConvertOptions(
                    include_columns=list(wanted), column_types=dict.fromkeys(wanted, _TEXT), null_values=[""],
                    strings_can_be_null=True,
                ),
            )  # fmt: skip
        except pa.ArrowInvalid:
            return None
        return None if uneven else table

    def _by_csv(self, blocks: Iterable[bytes], wanted: Sequence[str]) -> Iterator[tuple[pa.Table, Ints]]:
        records = self._records(self._texts(blocks))
        names = distinct(self.header)
        places = [names.index(name) for name in wanted]
        schema = pa.schema([(name, _TEXT) for name in wanted])
        while True:
            lines: list[int] = []
            batches: list[pa.RecordBatch] = []
            while len(batches) < _CHUNKS and (chunk := list(islice(records, _ROWS_AT_A_TIME))):
                lines.extend(line for line, _ in chunk)
                columns = list(zip(*(fields for _, fields in chunk), strict=True))
                arrays = [pa.array([t or None for t in columns[place]], _TEXT) for place in places]
                batches.append(pa.record_batch(arrays, schema=schema))
            if not lines:
                return
            yield pa.Table.from_batches(batches, schema), np.array(lines)

    def _records(self, lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
        """First line and fields of every record that is not an empty line; all as wide as the header."""
        base, start, width = self._line, self._line, len(self.header)
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        try:
            for fields in reader:
                if len(fields) == width:
                    yield start, fields
                elif fields:
                    self._uneven(start, len(fields), width)
                start = base + reader.line_num
        except csv.Error as error:
            self._complain(start, "the quotes do not match up", _unmatched(error))

    def _texts(self, blocks: Iterable[bytes]) -> Iterator[str]:
        """Line by line, each with its end."""
        line = self._line
        for block in blocks:
            try:
                text = block.decode()
            except UnicodeDecodeError as error:
                raise not_in("UTF-8", self._name, block, error, line) from error
            yield from io.StringIO(text, newline="")
            line += block.count(b"\n")

    def _decoded(self, stream: IO[bytes]) -> Iterator[bytes]:
        """Blocks of whole lines in UTF-8, whatever the file is in."""
        encoding = self._encoding or "utf-8"
        text = io.TextIOWrapper(stream, encoding=encoding, newline="")
        try:
            while block := text.read(_BLOCK_BYTES):
                yield (block + text.readline()).removeprefix("\ufeff").encode()
        except UnicodeDecodeError as error:
            raise not_in(encoding, self._name, error.object, error, None) from error
        finally:
            text.detach()

    def _uneven(self, line: int, found: int, width: int) -> None:
        fault = (
            "too few fields (was the file cut off?)"
            if found < width
            else "too many fields (a separator not in quotes?)"
        )
        where = f"{self._name}, line {line}"
        self._complain(line, fault, f"{where} has {fault}: {found}, and the header has {width}. Export it anew.")

    def _unmatched(self, line: int, error: csv.Error) -> NoReturn:
        where = f"{self._name}, line {line}"
        raise InvalidInput(_unmatched(error), where=where, outcome=NOTHING_LOADED) from error


def _unmatched(error: csv.Error) -> str:
    return f"the quotes do not match up ({error}). Close the quoted field, and double a quote that belongs to the text."


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Whole lines; the last one may lack its end."""
    rest = b""
    while more := stream.read(_BLOCK_BYTES):
        whole, line_end, rest_of_it = more.rpartition(b"\n")
        if line_end:
            yield rest + whole + line_end
            rest = rest_of_it
        else:
            rest += more
    if rest:
        yield rest


def _row_is_line(block: bytes, delimiter: str) -> bool:
    """No empty lines, one kind of line end, and quotes only around whole fields, without quotes or line ends inside:
    then no two readers differ about it."""
    ends = block.count(b"\r")
    if ends != block.count(b"\r\n") or block.startswith((b"\n", b"\r")) or b"\n\n" in block or b"\n\r" in block:
        return False
    if _QUOTE not in block:
        return True
    text = np.frombuffer(block, np.uint8)
    quotes, line_ends = np.flatnonzero(text == _QUOTE[0]), np.flatnonzero(text == 10)
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    before, after = text[np.maximum(opening - 1, 0)], text[np.minimum(closing + 1, len(text) - 1)]
    border = np.zeros(256, bool)
    border[[ord(delimiter), *b"\r\n"]] = True
    return bool(
        (border[before] | (opening == 0)).all()
        and (border[after] | (closing == len(text) - 1)).all()
        and (np.searchsorted(line_ends, opening) == np.searchsorted(line_ends, closing)).all()
    )


def _delimiter(block: bytes) -> str:
    header = block.lstrip(b"\r\n").split(b"\n", 1)[0].split(b"\r", 1)[0].decode(errors="replace")
    return max(",;\t", key=header.count)


def distinct(header: Sequence[str]) -> list[str]:
    """Each name once, as Arrow wants them: one that was there before has its place behind it."""
    return [name if header.index(name) == place else f"{name}\n{place}" for place, name in enumerate(header)]
