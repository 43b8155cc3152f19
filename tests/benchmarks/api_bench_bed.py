"""An exam of many users whose past weeks were made, an identity provider, and servers in processes of their own: what
the API is measured on."""

import datetime as dt
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from assets.abilities.scoring import ScoringRules
from assets.abilities.weekly_states import weekly_states
from assets.selection import Selection, selected_users
from assets.user_keys import UserKeys
from resources.artifacts.folder import FolderStore
from resources.database.engine import make_engine, transaction
from resources.database.queries.items import item_banks
from resources.database.schema import migrate
from resources.estimators.in_process import InProcessEstimator
from resources.ingest import load, response_file
from resources.model import ItemBank, Week
from resources.postgres import embedded
from resources.warehouse.warehouse import Warehouse
from tests.benchmarks.api_floors import TABLE
from tests.integration.api.provider import AUDIENCE, ISSUER, MAKE_KEY, Provider

CHECKOUT = Path(__file__).parents[2]
N_ITEMS, SESSIONS, PER_SESSION = 500, 5, 10
KEYS = UserKeys(8)


@dataclass(frozen=True)
class Bed:
    home: Path
    database_url: str
    provider: Provider
    bank: ItemBank

    @property
    def token(self) -> str:
        return self.provider.token("rs", sub="platform", scope="analysis:run", exp=int(time.time()) + 6 * 3600)

    @contextmanager
    def server(self, port: int, *command: str, log: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
        """`python -m COMMAND` with the API's settings, once it answers on the port."""
        environment = {
            **os.environ, "PYTHONPATH": str(CHECKOUT), "SEEDTEST_HOME": str(self.home),
            "DATABASE_URL": self.database_url, "JWKS_URL": self.provider.url, "JWT_ISS": ISSUER, "JWT_AUD": AUDIENCE,
            "API_RATE_PER_MINUTE": "1000000000", **settings,
        }  # fmt: skip
        with log.open("wb") as sink:
            process = subprocess.Popen([sys.executable, "-m", *command], env=environment, stderr=sink, stdout=sink)
        try:
            _await(port, process)
            yield process
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def bed(home: Path, users: int, *, weeks_made: bool) -> Iterator[Bed]:
    """Users have the ids user-0, user-1 and so on; each has 50 answers in 5 sessions, the last of which has just
    ended. Past weeks were made, as on any Monday, where `weeks_made`; else everybody begins from N(0, 1)."""
    url = embedded.connect_url(home, f"bench_{users}")
    engine = make_engine(url)
    migrate.upgrade(engine)
    draw = np.random.default_rng(1)
    bank = ItemBank(
        "bench", "2PL", tuple(f"i{j}" for j in range(N_ITEMS)), draw.lognormal(0, 0.3, N_ITEMS),
        draw.normal(size=N_ITEMS), np.zeros(N_ITEMS),
    )  # fmt: skip
    now = dt.datetime.now(dt.UTC)
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "TRUNCATE exam_results, seedtest_mirt_ability, seedtest_mirt_item_params, seedtest_mirt_fit_meta, "
            "theta_estimates, population, answered_items, ability_weeks"
        )
        connection.exec_driver_sql(TABLE)
        load.ingest(connection, response_file.from_table(_exam(users, bank, now), "the exam"), "bench")
        item_banks.save(connection, bank, item_banks.Fit(True, 1, 0.0, users, users, now))
        item_banks.adopt(connection, bank.version, now)
    if weeks_made:
        _make_past_weeks(engine, home / f"warehouse-{users}", bank, now)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
    engine.dispose()
    with Provider({"rs": MAKE_KEY["RS256"]()}) as provider:
        yield Bed(home, url, provider, bank)


def _make_past_weeks(engine: sa.Engine, folder: Path, bank: ItemBank, now: dt.datetime) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    last = Week.last_complete(now)
    first = last.plus(-4)
    chosen = Selection(dict.fromkeys(first.through(last), KEYS.fixed))
    users = selected_users(engine, KEYS, chosen, None)
    states = weekly_states(
        engine, Warehouse(FolderStore(folder)), first, KEYS, users, ScoringRules(first_week=first), bank,
        InProcessEstimator(),
    )  # fmt: skip
    states.freeze(last)
    for _ in states.make(chosen):
        pass


def _exam(users: int, bank: ItemBank, now: dt.datetime) -> pa.Table:
    draw = np.random.default_rng(2)
    each = SESSIONS * PER_SESSION
    user, place = np.repeat(np.arange(users), each), np.tile(np.arange(each), users)
    item = np.argsort(draw.random((users, N_ITEMS)), axis=1)[:, :each].ravel()
    ability = draw.normal(size=users)[user]
    session = place // PER_SESSION
    ends = pd.Timestamp(now) - pd.to_timedelta(20 - 5 * session, unit="D") - pd.to_timedelta(120 - place, unit="s")
    right = draw.random(user.size) < 1 / (1 + np.exp(-bank.a[item] * (ability - bank.b[item])))
    frame = pd.DataFrame({
        "user_id": [f"user-{n}" for n in user],
        "session_id": [f"s{n}-{s}" for n, s in zip(user, session, strict=True)],
        "item_id": [f"i{j}" for j in item], "correct": right.astype(int), "answered_at": ends,
    })  # fmt: skip
    return pa.Table.from_pandas(frame, preserve_index=False)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{process.args!r} ended as it started; see its log"
        try:
            httpx.get(f"http://127.0.0.1:{port}/openapi.json", timeout=2, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"Nothing answers on port {port}.")
