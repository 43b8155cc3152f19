"""INSERT over earlier rows of the same key, made from a table's own columns."""

from collections.abc import Collection

import sqlalchemy as sa


def merge(table: sa.Table, source: str, of_row: Collection[str]) -> str:
    """INSERT of every column from `source`, over an earlier row of the same key; `{}` there takes the values, those
    `of_row` by their names and the others as parameters."""
    columns = table.columns.keys()
    values = ", ".join(name if name in of_row else f"%({name})s" for name in columns)
    replaced = ", ".join(f"{name} = excluded.{name}" for name in columns if not table.c[name].primary_key)
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}) {source.format(values)} "
        f"ON CONFLICT ({', '.join(table.primary_key.columns.keys())}) DO UPDATE SET {replaced}"
    )
