"""Rows of a load by learner, so that all rows of a session come together, in memory or on disk as their number asks.

What is on disk has no name there: it is gone with the process, however that ends.
"""

import tempfile
import weakref
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pyarrow as pa

from resources.ingest.checking.identifiers import loosely
from resources.model import Ints

_IN_MEMORY = 500_000  # rows, some 60 MB
_BUCKETS = 64  # of six million rows each has 100,000
_PACKED = pa.ipc.IpcWriteOptions(compression="lz4")


class Buckets:
    """Rows are put in, then `rewrite` makes each bucket what it shall be, and `tables` gives them one by one.

    A learner's rows are in one bucket, in the order in which they came; so are those of ids that look alike.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._waiting: list[pa.Table] = []
        self._n_waiting = 0
        self._files: list[Any] = []
        self._writers: list[pa.RecordBatchStreamWriter] = []
        self._open = ExitStack()
        weakref.finalize(self, self._open.close)

    def put(self, rows: pa.Table) -> None:
        self._waiting.append(rows.cast(self._schema))
        self._n_waiting += rows.num_rows
        if self._n_waiting > _IN_MEMORY:
            self._spill()

    def rewrite(self, change: Callable[[pa.Table], pa.Table]) -> None:
        """Replace the rows of each bucket; no more can be put in afterwards."""
        if not self._writers:
            self._waiting = [change(self._in_memory())]
            return
        self._spill()
        for writer in self._writers:
            writer.close()
        for file in self._files:
            changed = change(_read(file))
            file.seek(0)
            file.truncate()
            with pa.ipc.new_stream(file, changed.schema, options=_PACKED) as writer:
                writer.write_table(changed)

    def tables(self) -> Iterator[pa.Table]:
        if not self._files:
            yield self._in_memory()
        for file in self._files:
            yield _read(file)

    def _in_memory(self) -> pa.Table:
        return pa.concat_tables(self._waiting) if self._waiting else self._schema.empty_table()

    def _spill(self) -> None:
        if not self._writers:
            for _ in range(_BUCKETS):
                self._files.append(self._open.enter_context(tempfile.TemporaryFile()))  # noqa: SIM115 - closed with self
            self._writers = [pa.ipc.new_stream(file, self._schema, options=_PACKED) for file in self._files]
        rows = self._in_memory().combine_chunks()
        self._waiting, self._n_waiting = [], 0
        if not rows.num_rows:
            return
        number = _numbers(rows["user_id"])
        rows = rows.take(np.argsort(number, kind="stable"))
        bounds = np.searchsorted(np.sort(number), np.arange(_BUCKETS + 1))
        for place, writer in enumerate(self._writers):
            writer.write_table(rows.slice(bounds[place], bounds[place + 1] - bounds[place]))


def _numbers(user_ids: Any) -> Ints:
    """The bucket of each."""
    encoded = user_ids.combine_chunks().dictionary_encode()
    of_id = [zlib.crc32(loosely(user_id).encode()) % _BUCKETS for user_id in encoded.dictionary.to_pylist()]
    numbers: Ints = np.array(of_id, np.int64)[encoded.indices.to_numpy()]
    return numbers


def _read(file: Any) -> pa.Table:
    file.seek(0)
    with pa.ipc.open_stream(file) as stream:
        return stream.read_all()
