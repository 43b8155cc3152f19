"""A small cohort: its two weeks under two banks, as a platform's answers, frozen, estimated and linked."""

import datetime as dt

import numpy as np
import sqlalchemy as sa

from assets.abilities.counted_answers import CountedAnswers
from assets.partitions import Partitions
from assets.user_keys import UserKeys
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities
from resources.database.queries.items import item_banks
from resources.estimators.in_process import InProcessEstimator
from resources.model import ItemBank, Week
from resources.warehouse.warehouse import Warehouse
from tests.integration.assets.freezing import FIRST, KEY, answer, run
from tests.week_states import first_states

SECOND = FIRST.plus(1)
BUCKET = Partitions(FIRST, UserKeys(1))
KEYS = ("q1", "q2", "q3", "q4")
OLD = ItemBank("old", "2PL", KEYS, np.ones(4), np.array([-1.0, 0.0, 1.0, 2.0]), np.zeros(4))
NEW = ItemBank("new", "2PL", KEYS, np.ones(4), np.array([-1.0, 0.1, 1.0, 2.0]), np.zeros(4))


def keep(engine: sa.Engine, bank: ItemBank, linked_to: str | None = None) -> None:
    now = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    linked = {"to": linked_to, "A": 1.02, "B": -0.03} if linked_to else None
    with transaction(engine) as connection:
        item_banks.save(
            connection, bank, item_banks.Fit(True, 9, -1.0, 30, 90, now, {"left_out": {"q9": "few"}, "linked": linked})
        )
        item_banks.adopt(connection, bank.version, now)


def estimate(engine: sa.Engine, warehouse: Warehouse, week: Week, bank: ItemBank, users: list[str]) -> None:
    """As the asset theta_estimates does for these users, but from N(0, 1)."""
    _, counted = CountedAnswers(warehouse, FIRST, "first", "missing").of(week, [KEY])
    thetas = InProcessEstimator().estimate(counted.of_users(users), bank)
    with transaction(engine) as connection:
        abilities.store_week(connection, week, first_states(thetas), 30, dt.datetime.now(dt.UTC))


def make(engine: sa.Engine, warehouse: Warehouse) -> None:
    """In the second week: ann and bob under the new bank, col still under the old one, and three without any."""
    keep(engine, OLD)
    answer(engine, ("ann", "q1"), ("bob", "q1"), ("col", "q1"), ("dan", "q7"))
    answer(
        engine, ("ann", "q2"), ("ann", "q3"), ("bob", "q2"), ("col", "q2"), ("dan", "q8"), ("eve", "q2"), week=SECOND
    )
    run(engine, warehouse, BUCKET, [KEY], FIRST, SECOND)
    estimate(engine, warehouse, FIRST, OLD, ["ann", "bob", "col"])
    estimate(engine, warehouse, SECOND, OLD, ["col"])
    keep(engine, NEW, linked_to="old")
    estimate(engine, warehouse, SECOND, NEW, ["ann", "bob"])
    answer(engine, ("fay", "q1"), week=FIRST.plus(-9))  # before the first week
