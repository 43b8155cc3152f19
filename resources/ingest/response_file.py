"""Files of responses, read and checked as a whole before anything is loaded: CSV, Parquet or xAPI, the same rules.

All mistakes are told at once, and memory stays flat however many rows there are. Stays out: how responses are stored.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from resources.ingest.buckets import Buckets
from resources.ingest.checking.rows import Checking
from resources.ingest.presets.preset import Preset
from resources.ingest.reading.csv_reader import CsvReader
from resources.ingest.reading.layout import Layout
from resources.ingest.reading.parquet_reader import ParquetReader
from resources.ingest.reading.sources import Source, SourceFile, find, is_parquet, opened, start
from resources.ingest.reading.statements import StatementReader, is_json

Told = Callable[[int], None]


@dataclass(frozen=True)
class ResponseFile:
    """Checked responses of a file, or of several that are loaded as one.

    `notes` are sentences for the person who loads it: what was left aside or assumed, and how much.
    """

    name: str
    n_responses: int
    first: dt.datetime
    last: dt.datetime
    notes: tuple[str, ...]
    buckets: Buckets

    def parts(self) -> Iterator[pa.Table]:
        """Whole learners, sorted by user, session and time of answer; those of one instant as they stand in the file.

        Columns: user_id, session_id, item_id (text), correct (boolean, null: not answered), answered_at (microseconds,
        UTC), response_time_ms (null: not known), topic and attempt_no (null: not known).
        """
        return self.buckets.tables()

    @property
    def responses(self) -> pa.Table:
        """All of them at once: of a file that is known to be small."""
        return pa.concat_tables(self.parts())


def read(source: Path | Source, preset: Preset | None = None, told: Told = lambda _: None) -> ResponseFile:
    """The responses in a file, or in all files of a source; a timestamp without a zone is UTC.

    `told` hears how many more bytes of the files are behind us.

    Raises:
        InvalidInput: the mistakes in the files, if there are any.
    """
    found = source if isinstance(source, Source) else find(str(source))
    reshaping: Preset = preset or Layout()
    reshaping.begin(found)
    checking = Checking(found.name, topics_may_differ=reshaping.topics_may_differ)
    for file in found.files:
        if not reshaping.is_aside(file):
            _read_file(file, reshaping, checking, told)
    checking.note(reshaping.notes)
    reshaping.notes.clear()  # of this source
    return _finished(found.name, checking)


def from_table(table: pa.Table, name: str) -> ResponseFile:
    """A table in memory under the same rules; `name` stands in the messages where a file's name would.

    Raises:
        InvalidInput: the mistakes in it, if there are any.
    """
    checking = Checking(name)
    checking.begin(name, "row")
    file = SourceFile(Path(), name)
    wanted = Layout().wanted(table.column_names, file)
    checking.leave_aside(column for column in table.column_names if column not in wanted)
    checking.take(*Layout().responses(table.select(wanted), np.arange(1, table.num_rows + 1), file))
    return _finished(name, checking)


def _read_file(file: SourceFile, preset: Preset, checking: Checking, told: Told) -> None:
    with opened(file) as (stream, raw):
        reader: CsvReader | ParquetReader | StatementReader
        if is_parquet(file):
            checking.begin(file.name, "row")
            reader = ParquetReader(file.name, stream)
        elif is_json(start(file)):
            checking.begin(file.name, "statement")
            reader = StatementReader(file.name, stream, checking.complain, preset.notes)
        else:
            checking.begin(file.name, "line")
            reader = CsvReader(file.name, stream, preset.encoding, checking.complain)
        wanted = preset.wanted(reader.header, file)
        checking.leave_aside(name for name in reader.header if name not in wanted)
        behind = 0
        for table, places in reader.tables(wanted):
            checking.take(*preset.responses(table, places, file))
            told(raw.tell() - behind)
            behind = raw.tell()


def _finished(name: str, checking: Checking) -> ResponseFile:
    buckets, first, last, notes = checking.finish()
    return ResponseFile(name, checking.n_stored, first, last, notes, buckets)
