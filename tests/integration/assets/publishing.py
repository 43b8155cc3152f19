"""A week's answers and estimates made by hand, and published as a run of the asset would."""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
import sqlalchemy as sa

from assets.publishing.publisher import Publisher
from docs.sample_learner import BANK, WEEK
from resources.answers.counting import counting
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities
from resources.database.queries.estimates.abilities import WeekStates
from resources.database.queries.reports import report_artifacts
from resources.model import ReportArtifact, Thetas
from tests import answer_tables


def quiet(done: int) -> None:
    """Nobody watches."""


def rows(*user_ids: str, n: int = 6, weeks_ago: int = 0, right: bool | None = None) -> pd.DataFrame:
    """`n` answers of each user on the week's Tuesday, every other one right, or all of them, or none."""
    pairs = [(user, j) for user in user_ids for j in range(n)]
    number = np.array([j for _, j in pairs], dtype=np.int64)
    return pd.DataFrame(
        {
            "user_id": pd.array([user for user, _ in pairs], dtype="str"),
            "item_key": pd.array([BANK.item_keys[j] for j in number], dtype="str"),
            "correct": pd.array(number % 2 == 0 if right is None else [right] * len(pairs), dtype="boolean"),
            "completed_at": pd.Timestamp(WEEK.plus(-weeks_ago).begins_at).as_unit("us")
            + pd.to_timedelta(34 + number * 0.1, unit="h"),
            "response_time_ms": pd.array(number * 1_000, dtype="Int64"),
            "session_id": pd.array(["s"] * len(pairs), dtype="str"),
            "topic_id": pd.array(["Fractions"] * len(pairs), dtype="str"),
            "attempt_no": pd.array([1] * len(pairs), dtype="Int64"),
            "hint_used": pd.array([None] * len(pairs), dtype="boolean"),
        }
    )


def estimated(engine: sa.Engine, *user_ids: str, weeks_ago: int = 0, n_items: int = 12, se: float = 0.4) -> None:
    n = len(user_ids)
    week = WEEK.plus(-weeks_ago)
    none = np.zeros(n, np.int64)
    thetas = Thetas(
        user_ids, np.linspace(-1, 1, n) - weeks_ago / 10, np.full(n, se), none + 6, none, none, (), "2PL", BANK.version
    )
    made = WeekStates(thetas, np.zeros(n), np.ones(n), none + n_items - 6, ["made by hand"] * n)
    with transaction(engine) as connection:
        abilities.store_week(connection, week, made, 30, dt.datetime.now(dt.UTC))


def publish(
    made: Publisher, users: list[str], *frames: pd.DataFrame, usual_ms: Mapping[str, float] = MappingProxyType({})
) -> Publisher:
    """What the frames hold, of which the first attempts count, as one run of the asset would."""
    given = answer_tables.answers(pd.concat(frames or [rows()]))
    made.publish(WEEK, users, given, given.take(counting(given, "first")), quiet, usual_ms)
    return made


def recorded(engine: sa.Engine) -> dict[str, ReportArtifact]:
    with transaction(engine) as connection:
        return {row.user_id: row for row in report_artifacts.of_week(connection, WEEK) if row.format == "html"}
