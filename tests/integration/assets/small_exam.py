"""Eight learners and four weeks, and a run over them as the three weekly assets make it, without Dagster."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from assets.abilities.freezing import Freezer
from assets.abilities.scoring import ScoringRules
from assets.abilities.weekly_states import weekly_states
from assets.publishing.outdated_reports import outdated, publish
from assets.publishing.publisher import Publisher
from assets.selection import Selection, selected_users
from assets.user_keys import UserKeys
from docs.sample_learner import BANK
from resources.artifacts.folder import FolderStore
from resources.database.engine import transaction
from resources.estimators.contract import Estimator
from resources.estimators.in_process import InProcessEstimator
from resources.ingest.load import ingest
from resources.ingest.response_file import from_table
from resources.model import Week
from resources.warehouse.warehouse import Warehouse

FIRST = Week.parse("2025-01-06")
WEEKS = [FIRST.plus(n) for n in range(4)]
KEYS = UserKeys(2)
USERS = [f"u{n}" for n in range(8)]
RULES = ScoringRules()


def quiet(*of_the_progress: object) -> None:
    """Nobody watches."""


def load(engine: sa.Engine) -> None:
    """Ten new items a week for each learner, half of them right; u1 is away in the second week."""
    rng = np.random.default_rng(2)
    rows = []
    for user in USERS:
        items = rng.permutation(len(BANK.item_keys))
        for n, week in enumerate(WEEKS):
            if (user, n) == ("u1", 1):
                continue
            at = week.begins_at + dt.timedelta(days=2)
            rows += [
                {"user_id": user, "session_id": f"{user}-{n}", "item_id": BANK.item_keys[items[10 * n + k]],
                 "correct": bool(rng.random() < 0.5), "answered_at": at + dt.timedelta(minutes=k)}
                for k in range(10)
            ]  # fmt: skip
    with transaction(engine) as connection:
        ingest(connection, from_table(pa.Table.from_pylist(rows), "answers"), "exam")


def run(
    engine: sa.Engine,
    folder: Path,
    publisher: Publisher,
    *weeks: Week,
    keys: tuple[str, ...] = (),
    estimator: Estimator = InProcessEstimator(),  # noqa: B008 - it has no state
) -> Publisher:
    """As the three weekly assets do."""
    warehouse = Warehouse(FolderStore(folder / "warehouse"))
    chosen = Selection(dict.fromkeys(sorted(weeks), keys or KEYS.fixed))
    users = selected_users(engine, KEYS, chosen, None)
    freezer = Freezer(engine, warehouse, KEYS, users)
    for week in FIRST.through(max(weeks)):
        to_freeze = chosen.keys[week] if week in weeks else warehouse.missing(week, KEYS.fixed)
        if to_freeze:
            freezer.freeze(week, to_freeze)
    states = weekly_states(engine, warehouse, FIRST, KEYS, users, RULES, BANK, estimator)
    for _ in states.make(chosen):
        pass
    for part in (chosen, None):
        publish(publisher, part or outdated(engine, chosen, FIRST), users, KEYS, RULES, FIRST, warehouse, quiet)
    assert publisher.failed == []
    return publisher


def flip(engine: sa.Engine, session: str) -> None:
    """The platform corrects the key of a question: what was wrong is right, without a new time."""
    with transaction(engine) as connection:
        changed = connection.exec_driver_sql(
            "UPDATE exam_results SET result_json = replace(result_json::text, 'false', 'true')::jsonb "
            "WHERE session_id = %(session)s", {"session": session},
        ).rowcount  # fmt: skip
    assert changed == 1
