"""What is remembered of the weeks that were made."""

import pyarrow as pa
import sqlalchemy as sa

from resources.database.engine import transaction
from resources.database.queries.estimates import made_weeks
from resources.model import Week

WEEK = Week.parse("2025-01-06")


def test_ids_of_any_letters_come_back_from_what_was_answered(engine: sa.Engine):
    ids = ["q1", "NULL", "", "a,b", "{c}", 'say "d"', "back\\slash", "\\", "줄\nend", "  "]
    items = pa.array([ids, [], ["q1"]], pa.list_(pa.string()))
    with transaction(engine) as connection:
        made_weeks.store_answered(connection, WEEK, ["ada", "bob", "cy"], items)
        found = connection.exec_driver_sql("SELECT user_id, item_keys FROM answered_items ORDER BY user_id")
        assert [tuple(row) for row in found] == [("ada", ids), ("bob", []), ("cy", ["q1"])]
