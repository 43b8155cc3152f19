"""A platform's side: sessions that end, with answers to the items of a bank."""

import datetime as dt
import json

import numpy as np
import sqlalchemy as sa

from resources.database.engine import transaction
from resources.database.queries.items import item_banks
from resources.model import ItemBank

N_ITEMS = 20
BANK = ItemBank(
    "b1", "2PL", tuple(f"i{j}" for j in range(N_ITEMS)), np.full(N_ITEMS, 1.2), np.linspace(-2, 2, N_ITEMS),
    np.zeros(N_ITEMS),
)  # fmt: skip


def adopt(engine: sa.Engine, bank: ItemBank = BANK) -> None:
    now = dt.datetime.now(dt.UTC)
    with transaction(engine) as connection:
        item_banks.save(connection, bank, item_banks.Fit(True, 1, 0.0, 1, 1, now))
        item_banks.adopt(connection, bank.version, now)


def end_session(
    engine: sa.Engine, user_id: str, session_id: str, marks: str, *, first: int = 0, at: dt.datetime | None = None
) -> None:
    """The session's answers to the items from `first` on: 1 right, 0 wrong, _ skipped. It ended `at`, or now."""
    questions = [
        {"question_id": f"i{first + j}", "is_correct": None if mark == "_" else mark == "1"}
        for j, mark in enumerate(marks)
    ]
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO exam_results (user_id, session_id, status, result_json, created_at, updated_at) "
            "SELECT %(user)s, %(session)s, 'completed', %(result)s, at, at "
            "FROM coalesce(%(at)s::timestamptz, now()) AS at",
            {"user": user_id, "session": session_id, "result": json.dumps({"questions": questions}), "at": at},
        )
