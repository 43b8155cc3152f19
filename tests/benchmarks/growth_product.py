"""A simulated exam through the product: into exam_results, frozen, estimated week by week, read back."""

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from assets.abilities.freezing import Freezer
from assets.abilities.scoring import ScoringRules
from assets.abilities.weekly_states import weekly_states
from assets.selection import Selection, selected_users
from assets.user_keys import UserKeys
from resources.artifacts.folder import FolderStore
from resources.database.engine import make_engine, transaction
from resources.database.queries.estimates import abilities, populations
from resources.database.schema import migrate
from resources.estimators.in_process import InProcessEstimator
from resources.ingest.load import ingest
from resources.ingest.response_file import from_table
from resources.irt.response_functions import Floats
from resources.model import ItemBank, Week
from resources.postgres import embedded
from resources.warehouse.warehouse import Warehouse
from tests.benchmarks.growth_simulation import Simulated

FIRST = Week.parse("2025-01-06")
KEYS = UserKeys(8)


def through_the_product(given: Simulated) -> tuple[Floats, Floats, list[str]]:
    """Levels and SEs of shape (n_weeks, n_learners), a learner's last one where he was absent; a note for each week."""
    n_weeks, n_learners = given.truth.shape
    bank = ItemBank(
        "true", "3PL" if given.scenario.guessing else "2PL", tuple(f"i{j}" for j in range(given.items.a.size)),
        given.items.a, given.items.b, given.items.c,
    )  # fmt: skip
    weeks = [FIRST.plus(n) for n in range(n_weeks)]
    with _database() as (engine, folder):
        with transaction(engine) as connection:
            ingest(connection, from_table(_answers(given), "simulated"), "exam")
        users = selected_users(engine, KEYS, Selection({FIRST: KEYS.fixed}), None)
        warehouse = Warehouse(FolderStore(folder))
        freezer = Freezer(engine, warehouse, KEYS, users)
        for week in weeks:
            freezer.freeze(week, KEYS.fixed)
        states = weekly_states(engine, warehouse, FIRST, KEYS, users, ScoringRules(), bank, InProcessEstimator())
        for _ in states.make(Selection(dict.fromkeys(weeks, KEYS.fixed))):
            pass
        with transaction(engine) as connection:
            found = abilities.history(connection, users.members(KEYS.fixed), weeks[-1])
            moved = populations.until(connection, weeks[-1])
    mean, sd = np.full((n_weeks, n_learners), np.nan), np.full((n_weeks, n_learners), np.nan)
    place = np.array([(start - FIRST.start).days // 7 for start in found["week_start"]])
    learner = found["user_id"].str[1:].astype(int).to_numpy()
    mean[place, learner], sd[place, learner] = found["theta"], found["se"]
    for n in range(1, n_weeks):
        absent = np.isnan(mean[n])
        mean[n, absent], sd[n, absent] = mean[n - 1, absent], sd[n - 1, absent]
    notes = [
        f"drift {of.drift:+.3f} ({of.drift_se:.3f}) tau {of.tau:.3f}"
        for of in (stored.population for stored in moved.values())
    ]
    return mean, sd, notes


def _answers(given: Simulated) -> pa.Table:
    """A session a learner and week, on its Tuesday."""
    parts = []
    for n, answers in enumerate(given.weeks):
        at = FIRST.plus(n).begins_at + dt.timedelta(days=1, hours=9)
        user = [f"u{i}" for i in answers.user.tolist()]
        parts.append(pa.table({
            "user_id": user, "session_id": [f"{user_id}-{n}" for user_id in user],
            "item_id": [f"i{j}" for j in answers.item.tolist()], "correct": pa.array(answers.correct == 1),
            "answered_at": pa.array([at] * len(user), pa.timestamp("us", "UTC")),
        }))  # fmt: skip
    return pa.concat_tables(parts)


@contextmanager
def _database() -> Iterator[tuple[sa.Engine, Path]]:
    with tempfile.TemporaryDirectory(prefix="seedtest-growth-") as home:
        engine = make_engine(embedded.connect_url(Path(home)))
        migrate.upgrade(engine)
        yield engine, Path(home) / "warehouse"
        engine.dispose()
