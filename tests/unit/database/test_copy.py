"""COPY out and in: every value, NULL and empty text apart, in the caller's transaction."""

from collections.abc import Iterator

import pyarrow as pa
import pytest
import sqlalchemy as sa

from resources.database.copy import copy_in, copy_out
from resources.database.engine import make_engine

_COLUMNS: dict[str, pa.DataType] = {
    "t": pa.string(), "b": pa.bool_(), "i": pa.int32(), "f": pa.float64(), "at": pa.timestamp("us", "UTC"),
}  # fmt: skip
_SCHEMA = pa.schema(_COLUMNS)


@pytest.fixture
def connection(shared_database_url: str) -> Iterator[sa.Connection]:
    engine = make_engine(shared_database_url)
    with engine.connect() as connection:
        connection.execute(sa.text("CREATE TABLE odd (t text, b boolean, i int, f double precision, at timestamptz)"))
        yield connection
    engine.dispose()


def test_what_goes_in_comes_out(connection: sa.Connection) -> None:
    chunks = [
        b'"a ""quoted"", word\nin two lines",t,1,0.1,2025-01-06 10:00:00.0000',
        b'01+00\n"",f,-2147483648,NaN,',
        b"\n,,,,\n",
    ]
    assert copy_in(connection, "odd", ["t", "b", "i", "f", "at"], chunks) == 3
    table = copy_out(connection, "SELECT * FROM odd", _SCHEMA)
    assert table.schema == _SCHEMA
    assert table["t"].to_pylist() == ['a "quoted", word\nin two lines', "", None]
    assert table["b"].to_pylist() == [True, False, None]
    assert table["i"].to_pylist() == [1, -2147483648, None]
    assert [str(value) for value in table["f"].to_pylist()] == ["0.1", "nan", "None"]
    assert table["at"].cast(pa.int64()).to_pylist() == [1736157600_000001, None, None]


def test_parameters_are_quoted(connection: sa.Connection) -> None:
    copy_in(connection, "odd", ["t", "i"], [b"x,1\ny,2\nz,3\n"])
    schema = pa.schema([("t", pa.string())])
    wanted = copy_out(
        connection, "SELECT t FROM odd WHERE t = ANY (%s) ORDER BY i", schema, [["z", "x", "' OR true --"]]
    )
    assert wanted["t"].to_pylist() == ["x", "z"]


def test_no_rows_are_an_empty_table_of_the_same_schema(connection: sa.Connection) -> None:
    assert copy_out(connection, "SELECT * FROM odd", _SCHEMA).equals(_SCHEMA.empty_table())
