"""A Parquet file, some thousand rows at a time, with the number of every row. Stays out: what the columns mean."""

from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from resources.ingest.reading.sources import damaged
from resources.model import Ints

_ROWS_AT_A_TIME = 50_000


class ParquetReader:
    """`header` names the columns; `tables` gives the wanted ones, with each row's number, from 1.

    Raises:
        InvalidInput: the file is cut off or damaged.
    """

    def __init__(self, name: str, stream: IO[bytes]) -> None:
        self._name = name
        try:
            self._file = pq.ParquetFile(stream)
            self.header = [str(column) for column in self._file.schema_arrow.names]
        except (pa.ArrowException, OSError) as error:
            raise damaged(name, error) from error

    def tables(self, wanted: Sequence[str]) -> Iterator[tuple[pa.Table, Ints]]:
        row = 1
        try:
            for batch in self._file.iter_batches(_ROWS_AT_A_TIME, columns=list(wanted)):
                yield pa.Table.from_batches([batch]), np.arange(row, row + batch.num_rows)
                row += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise damaged(self._name, error) from error
