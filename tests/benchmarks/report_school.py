"""A school of synthetic learners with eight weeks behind them, in a database and in files, whose reports are made."""

import datetime as dt
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from assets.publishing.publisher import Publisher
from resources.answers.answers import Answers
from resources.answers.schema import SCHEMA
from resources.artifacts.folder import FolderStore
from resources.database.engine import make_engine, transaction
from resources.database.queries.estimates import abilities
from resources.database.schema import migrate
from resources.model import SYNTHETIC, Format, ItemBank, Thetas, Week
from resources.postgres import embedded
from resources.reports.document.compile import compile_template
from resources.reports.learner.scale import Scale
from seedtest_pipeline.demo.synthetic_exam import SyntheticExam, synthetic_exam
from seedtest_pipeline.wiring import QUARTO_SOURCE
from tests import answer_tables
from tests.week_states import first_states

FIRST = Week.parse("2025-01-06")
N_WEEKS = 8
WINDOW_DAYS = 30
SE = 0.2  # logits, that of some 120 answers


@dataclass(frozen=True)
class School:
    """The exam in a database, and in `home` a file of the window's answers for each number of learners."""

    url: str
    home: Path
    bank: ItemBank

    def members(self, n_users: int) -> list[str]:
        """The first so many learners, sorted."""
        return (self.home / f"members-{n_users}.txt").read_text().split()

    def answers(self, n_users: int, members: Sequence[str]) -> Answers:
        """Of neighbours among the members; no more than these are read."""
        theirs = (pc.field("user_id") >= members[0]) & (pc.field("user_id") <= members[-1])
        file = self.home / f"answers-{n_users}.parquet"
        return Answers.from_table(pq.read_table(file, schema=SCHEMA, filters=theirs))

    def publisher(self, forms: Sequence[Format]) -> Publisher:
        """Into an empty folder."""
        templates = {form: compile_template(QUARTO_SOURCE, self.home / "templates", form=form) for form in forms}
        store = FolderStore(Path(tempfile.mkdtemp(dir=self.home)))
        return Publisher(make_engine(self.url), store, templates, self.bank, Scale(), WINDOW_DAYS)


def school(home: Path, sizes: Sequence[int]) -> School:
    exam = synthetic_exam(1, FIRST, max(sizes), N_WEEKS)
    items = exam.items
    bank = ItemBank(
        "bench", "2PL", tuple(items["item_id"]), items["a"].to_numpy(), items["b"].to_numpy(), np.zeros(len(items))
    )
    url = embedded.connect_url(home)
    engine = make_engine(url)
    migrate.upgrade(engine)
    _estimate(engine, exam, bank)
    engine.dispose()
    window = exam.responses[
        exam.responses["answered_at"] >= pd.Timestamp(FIRST.plus(N_WEEKS).begins_at) - pd.Timedelta(days=WINDOW_DAYS)
    ]
    window = window.rename(columns={"item_id": "item_key", "answered_at": "completed_at", "topic": "topic_id"})
    window = window.assign(hint_used=pd.array([False] * len(window), dtype="boolean"))
    number = window["user_id"].str.removeprefix(SYNTHETIC).astype("int64")
    for n_users in sizes:
        some = window[number <= n_users].sort_values("user_id", kind="stable")
        pq.write_table(answer_tables.table(some), home / f"answers-{n_users}.parquet", row_group_size=5_000)
        (home / f"members-{n_users}.txt").write_text("\n".join(some["user_id"].unique()))
    return School(url, home, bank)


def _estimate(engine: sa.Engine, exam: SyntheticExam, bank: ItemBank) -> None:
    """The true abilities with a measurement's error, week by week."""
    rng = np.random.default_rng(2)
    for start, of_week in exam.abilities.groupby("week_start"):
        n = len(of_week)
        theta = of_week["theta"].to_numpy() + rng.normal(0, SE, n)
        counts = rng.integers(80, 160, n), rng.integers(0, 3, n), rng.integers(0, 3, n)
        thetas = Thetas(tuple(of_week["user_id"]), theta, np.full(n, SE), *counts, (), bank.model, bank.version)
        week = Week(dt.date.fromisoformat(str(start)[:10]))
        with transaction(engine) as connection:
            abilities.store_week(connection, week, first_states(thetas), WINDOW_DAYS, dt.datetime.now(dt.UTC))
