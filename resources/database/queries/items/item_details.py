"""What people call the items, and where they are to be found: told by a file, shown in reports.

The caller's transaction is the one in force.
"""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from resources.database.schema.tables import item_details
from resources.model import ItemDetails


def store(connection: sa.Connection, rows: Sequence[Mapping[str, str | None]]) -> int:
    """Put the rows (with all columns) in place of what was known of these items; returns how many were not as told."""
    if not rows:
        return 0
    known = {row.item_id: row for row in connection.execute(sa.select(item_details))}
    new = [row for row in rows if row["item_id"] not in known or dict(known[row["item_id"]]._mapping) != dict(row)]
    if new:
        statement = insert(item_details)
        columns = {column.name: statement.excluded[column.name] for column in item_details.c if not column.primary_key}
        connection.execute(statement.on_conflict_do_update(index_elements=["item_id"], set_=columns), new)
    return len(new)


def of(connection: sa.Connection, item_keys: Sequence[str]) -> dict[str, ItemDetails]:
    """Those of these items that something is known of."""
    query = sa.select(item_details).where(
        item_details.c.item_id == sa.any_(sa.literal(list(item_keys), sa.ARRAY(sa.Text)))
    )
    return {row.item_id: ItemDetails(row.title, row.topic, row.url) for row in connection.execute(query)}
