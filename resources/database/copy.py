"""Many rows in and out by COPY: never row by row. The caller's transaction is the one in force."""

import io
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString

import psycopg
import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa
from psycopg import sql

_AT_ONCE = 1_000  # chunks: the server sends one per row


def copy_out(
    connection: sa.Connection,
    query: LiteralString | sql.Composed,
    schema: pa.Schema,
    parameters: Mapping[str, object] | Sequence[object] | None = None,
) -> pa.Table:
    """The rows of `query` (a SELECT with %s or %(name)s) as a table with the columns and types of `schema`."""
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(
        query if isinstance(query, sql.Composed) else sql.SQL(query)
    )
    with _cursor(connection).copy(statement, parameters) as copy:
        rows = io.BufferedReader(_Received(copy))
        if not rows.peek(1):
            return schema.empty_table()
        return pyarrow.csv.open_csv(
            rows,
            pyarrow.csv.ReadOptions(column_names=schema.names),
            pyarrow.csv.ParseOptions(newlines_in_values=True),
            pyarrow.csv.ConvertOptions(
                column_types=schema,
                true_values=["t"],
                false_values=["f"],
                # COPY tells NULL (nothing) from an empty string (""); Arrow must be told to do so too.
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        ).read_all()


class _Received(io.RawIOBase):
    """What the server sends, read as it comes: the text of a million answers is never there as a whole."""

    def __init__(self, copy: psycopg.Copy) -> None:
        self._chunks = iter(copy)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        rest = self._rest or memoryview(b"".join(itertools.islice(self._chunks, _AT_ONCE)))
        n = min(len(rest), len(buffer))
        buffer[:n] = rest[:n]
        self._rest = rest[n:]
        return n


def copy_in(connection: sa.Connection, table: str, columns: Sequence[str], chunks: Iterable[bytes]) -> int:
    """Put CSV text without a header, in any cuts, into `table`; an unquoted nothing is NULL. Returns the rows."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    cursor = _cursor(connection)
    with cursor.copy(statement) as copy:
        for chunk in chunks:
            copy.write(chunk)
    return cursor.rowcount


def _cursor(connection: sa.Connection) -> psycopg.Cursor[tuple[object, ...]]:
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(f"COPY needs a psycopg connection, not {type(driver).__name__}.")
    return driver.cursor()
