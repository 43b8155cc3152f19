"""Which weeks of abilities were made for all learners of a user key, and what was answered in them.

The caller's transaction is the one in force.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from resources.database.schema.tables import ability_weeks
from resources.database.staging import stage
from resources.model import Week

if TYPE_CHECKING:
    from resources.answers.answers import Lists


@dataclass(frozen=True)
class MadeWeek:
    """The checksum of the frozen answers it was made from, and a fingerprint of all that it came from."""

    made_from: str
    fingerprint: str


def read(connection: sa.Connection) -> dict[tuple[Week, str], MadeWeek]:
    """By week and user key."""
    query = sa.select(ability_weeks)
    return {
        (Week(row.week_start), row.user_key): MadeWeek(row.made_from, row.fingerprint)
        for row in connection.execute(query)
    }


def made_from(connection: sa.Connection, week: Week) -> dict[str, str]:
    """By user key, the checksum of the frozen answers that the week was made from."""
    made = ability_weeks.c
    query = sa.select(made.user_key, made.made_from).where(made.week_start == week.start)
    return {row.user_key: row.made_from for row in connection.execute(query)}


def digests(connection: sa.Connection) -> dict[Week, str]:
    """Of all that each week's abilities came from: another one as soon as any learner's history is."""
    query = """
        SELECT week_start, md5(string_agg(user_key || ' ' || fingerprint, ',' ORDER BY user_key COLLATE "C")) AS digest
        FROM ability_weeks GROUP BY week_start
    """
    return {Week(row.week_start): row.digest for row in connection.exec_driver_sql(query)}


def record(connection: sa.Connection, week: Week, made: Mapping[str, MadeWeek]) -> None:
    """By user key, in place of earlier ones."""
    if not made:
        return
    rows = [
        {"week_start": week.start, "user_key": key, "made_from": of.made_from, "fingerprint": of.fingerprint}
        for key, of in sorted(made.items())
    ]
    statement = insert(ability_weeks)
    replaced = {"made_from": statement.excluded.made_from, "fingerprint": statement.excluded.fingerprint}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["week_start", "user_key"], set_=replaced), rows
    )  # fmt: skip


def n_of_key(connection: sa.Connection, user_key: str) -> int:
    """How many weeks of the user key are known."""
    query = sa.select(sa.func.count()).select_from(ability_weeks).where(ability_weeks.c.user_key == user_key)
    return int(connection.execute(query).scalar_one())


def forget_key(connection: sa.Connection, user_key: str) -> None:
    """Nothing is known of the user key."""
    connection.execute(sa.delete(ability_weeks).where(ability_weeks.c.user_key == user_key))


def store_answered(connection: sa.Connection, week: Week, user_ids: Sequence[str], items: "Lists") -> None:
    """What each of these users answered in the week, in place of what stood there; it may be nothing."""
    stage(connection, "answered", "user_id text, elements text", "user_id", pa.table({
        "user_id": pa.array(user_ids, pa.large_string()), "elements": _elements(items),
    }))  # fmt: skip
    connection.exec_driver_sql(
        "INSERT INTO answered_items (user_id, week_start, item_keys) "
        "SELECT user_id, %(week)s, ('{' || elements || '}')::text[] "
        'FROM answered ORDER BY user_id COLLATE "C" '  # as all who write rows of users: two never wait in a circle
        "ON CONFLICT (user_id, week_start) DO UPDATE SET item_keys = excluded.item_keys",
        {"week": week.start},
    )


def _elements(lists: "Lists") -> Any:
    """The elements of each as PostgreSQL writes them between the braces of an array of texts."""
    escaped = pc.replace_substring_regex(lists.values, r'(["\\])', r"\\\1")
    quoted: Any = pc.replace_substring_regex(escaped, r"(?s)\A(.*)\z", r'"\1"')
    return pc.binary_join(pa.ListArray.from_arrays(lists.offsets, quoted), ",")
