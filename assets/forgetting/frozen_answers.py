"""A learner's answers in the warehouse: found in the files of every week and partition scheme, and taken out there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from assets.abilities.freezing import hold_week
from assets.user_keys import stands_for
from resources.database.engine import transaction
from resources.database.queries.sessions import attempts
from resources.model import Week, safe_key
from resources.warehouse.warehouse import Warehouse

_HEX_DIGITS = 16


@dataclass(frozen=True)
class FrozenAnswers:
    """`n` answers of the learner in one file, which is named by him alone where it is `own`."""

    week: Week
    user_key: str
    n: int
    own: bool


def find(warehouse: Warehouse, user_id: str) -> Iterator[FrozenAnswers]:
    """The files that hold his answers or have his name, ascending by week."""
    for week in warehouse.weeks():
        yield from of_week(warehouse, week, user_id)


def of_week(warehouse: Warehouse, week: Week, user_id: str) -> Iterator[FrozenAnswers]:
    """The same of one week."""
    for user_key in warehouse.user_keys(week):
        if stands_for(user_key, user_id):
            users = warehouse.read([week], [user_key], ["user_id"])["user_id"]
            n = pc.sum(_is(users, user_id)).as_py() or 0
            own = user_key == safe_key(user_id) and n == len(users)
            if n or own:
                yield FrozenAnswers(week, user_key, n, own)


def remove(engine: sa.Engine, warehouse: Warehouse, week: Week, user_id: str) -> None:
    """The week's files are without his answers, and those of his own are gone. Safe to do again.

    A file that others share is then late for as long as the platform has his sessions: his part is taken out of the
    checksum that it was written with.
    """
    with transaction(engine) as connection:
        hold_week(connection, week)
        for found in of_week(warehouse, week, user_id):
            if found.own:
                warehouse.delete(week, found.user_key)
                continue
            answers = warehouse.read([week], [found.user_key])
            checksum = warehouse.checksums(week, [found.user_key])[found.user_key]
            his = attempts.checksums(connection, week.begins_at, week.ends_at, [user_id]).get(user_id, 0)
            others = answers.filter(pc.invert(_is(answers["user_id"], user_id)))
            warehouse.write(week, {found.user_key: others}, {found.user_key: _without(checksum, his)})


def _is(users: Any, user_id: str) -> Any:
    return pc.is_in(users, pa.array([user_id], pa.large_string()))


def _without(checksum: str, his: int) -> str:
    """Checksums of a key are sums over its users; "" and "?" say that the file has none."""
    return f"{(int(checksum, 16) - his) % 2**64:016x}" if len(checksum) == _HEX_DIGITS else checksum
