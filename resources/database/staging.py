"""Rows on their way into a table: a temporary one of this transaction, filled by COPY, for one statement to merge."""

import io
from typing import LiteralString

import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa

from resources.database.copy import copy_in


def stage(connection: sa.Connection, name: LiteralString, columns: str, key: LiteralString, rows: pa.Table) -> None:
    """`rows` as the temporary table `name` with `columns` (as in CREATE TABLE, in the rows' order), and nothing else.

    Instants without a zone are UTC. The table is gone at the end of the transaction.
    """
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({columns}) ON COMMIT DROP")
    connection.exec_driver_sql(f"TRUNCATE {name}")
    csv = io.BytesIO()
    pyarrow.csv.write_csv(_with_zones(rows), csv, pyarrow.csv.WriteOptions(include_header=False))
    copy_in(connection, name, rows.column_names, [csv.getvalue()])
    # Without it the planner expects ten times the rows and sorts the other table; the key's columns are enough.
    connection.exec_driver_sql(f"ANALYZE {name} ({key})")


def _with_zones(rows: pa.Table) -> pa.Table:
    """Each instant says that it is in UTC, whatever the session's zone."""
    zoned = [
        field.with_type(pa.timestamp(field.type.unit, "UTC"))
        if pa.types.is_timestamp(field.type) and field.type.tz is None
        else field
        for field in rows.schema
    ]
    return rows.cast(pa.schema(zoned))
