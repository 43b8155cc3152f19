"""A small exam as a platform would hand it over, and the command `seedtest` on a database of its own."""

import datetime as dt
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine, transaction
from resources.database.queries.items import item_banks
from resources.ingest import load, response_file
from resources.model import ItemBank
from seedtest_pipeline import wiring
from seedtest_pipeline.cli import main
from seedtest_pipeline.settings import Settings

CHECKOUT = Path(__file__).parents[2]
N_USERS, N_ITEMS = 120, 24
WEEKS = ("2025-01-06", "2025-01-13")


@dataclass(frozen=True)
class Shell:
    """A person's shell: a home with a space in its name, and nothing of this process's own settings."""

    home: Path
    database_url: str
    python_path: tuple[Path, ...] = ()  # where Python looks for modules first

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home.parent),
            "PYTHONPATH": os.pathsep.join(map(str, (*self.python_path, CHECKOUT))),
            "SEEDTEST_HOME": str(self.home),
            "DATABASE_URL": self.database_url,
        }

    def start(self, *arguments: str, to: int | IO[bytes] = subprocess.PIPE) -> subprocess.Popen[str]:
        """A process in a group of its own, as a terminal makes one; its output goes `to` there."""
        return subprocess.Popen(
            [sys.executable, "-m", "seedtest_pipeline", *arguments], cwd=self.home.parent, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=to, stderr=to, text=True, start_new_session=True,
        )  # fmt: skip

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments) as process:
            try:
                out, err = process.communicate(timeout=600)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # or leaving the block would wait for it for ever
                raise
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)


@pytest.fixture(scope="session")
def responses() -> pd.DataFrame:
    """Two weeks of an exam, drawn from the 2PL: every user meets half the items in each week."""
    rng = np.random.default_rng(20250106)
    user = np.repeat(np.arange(N_USERS), N_ITEMS)
    item = np.tile(np.arange(N_ITEMS), N_USERS)
    ability, difficulty = rng.normal(size=N_USERS), np.linspace(-1.5, 1.5, N_ITEMS)
    week = item % len(WEEKS)
    user_ids = np.array(["u17632", "synthetic-0001", *(f"u{number}" for number in range(2, N_USERS))])
    return pd.DataFrame({
        "user_id": user_ids[user],
        "session_id": [f"{user_ids[u]}-{w}" for u, w in zip(user, week, strict=True)],
        "item_id": [f"i{number}" for number in item],
        "correct": (rng.random(user.size) < 1 / (1 + np.exp(difficulty[item] - ability[user]))).astype(int),
        "answered_at": pd.to_datetime(np.array(WEEKS)[week], utc=True) + pd.to_timedelta(item, unit="min"),
    })  # fmt: skip


@pytest.fixture(scope="module")
def engine(shared_database_url: str, responses: pd.DataFrame) -> Iterator[sa.Engine]:
    """The exam and an item bank in force, put there without the command."""
    engine = make_engine(shared_database_url)
    put_exam(engine, responses)
    yield engine
    engine.dispose()


def put_exam(engine: sa.Engine, responses: pd.DataFrame) -> None:
    items = tuple(f"i{number}" for number in range(N_ITEMS))
    bank = ItemBank("true", "2PL", items, np.ones(N_ITEMS), np.linspace(-1.5, 1.5, N_ITEMS), np.zeros(N_ITEMS))
    now = dt.datetime.now(dt.UTC)
    with transaction(engine) as connection:
        table = pa.Table.from_pandas(responses, preserve_index=False)
        load.ingest(connection, response_file.from_table(table, "the exam"), "exam")
        item_banks.save(connection, bank, item_banks.Fit(True, 1, 0.0, N_USERS, 1, now))
        item_banks.adopt(connection, bank.version, now)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory, shared_database_url: str, engine: sa.Engine) -> Shell:
    """On the database that holds the exam."""
    return Shell(tmp_path_factory.mktemp("e2e") / "the home", shared_database_url)


@dataclass(frozen=True)
class Said:
    exit_code: object
    out: str
    err: str


Type = Callable[..., Said]


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Type]:
    """Types `seedtest ARGUMENTS` in a shell where nothing is set but an empty home."""
    engines: list[sa.Engine] = []  # the end of a process closes their connections; here nothing else would

    def noted(url: str) -> sa.Engine:
        engines.append(make_engine(url))
        return engines[-1]

    monkeypatch.setattr(wiring, "make_engine", noted)
    for name in [*map(str.upper, Settings.model_fields), "DAGSTER_HOME"]:
        monkeypatch.delenv(name, raising=False)
    for name in ("DAGSTER_EVENT_BATCH_SIZE", "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("SEEDTEST_HOME", str(tmp_path / "the home"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "the home" / "dagster"))

    def type_(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["seedtest", *arguments])
        with pytest.raises(SystemExit) as ended:
            main.main()
        said = capsys.readouterr()
        return Said(ended.value.code or 0, said.out, " ".join(said.err.split()))

    yield type_
    for engine in engines:
        engine.dispose()


@pytest.fixture
def on_exam(type_: Type, engine: sa.Engine, shared_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Type:
    """The same, on a database that holds the exam."""
    monkeypatch.setenv("DATABASE_URL", shared_database_url)
    return type_
