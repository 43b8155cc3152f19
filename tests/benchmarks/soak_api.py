"""Sessions end for minutes while what the API rests on breaks: python -m tests.benchmarks.soak_api [MINUTES].

All that it rests on breaks in turn (`soak_faults`). Then what the API said is held against what it should have said,
and it is ended in the middle of each fault. Every count at the end must be 0.
"""

import asyncio
import datetime as dt
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import dagster as dg
import numpy as np
import psycopg
import sqlalchemy as sa

from assets.abilities.scoring import ScoringRules
from resources.database.engine import make_engine, transaction
from resources.database.queries.items.item_banks import ADOPTED
from resources.estimators.in_process import InProcessEstimator
from resources.model import ItemBank, Responses
from seedtest_pipeline.automation import catch_up
from tests.benchmarks.api_bench_bed import Bed, bed
from tests.benchmarks.bench_api import UPDATE, free_port
from tests.benchmarks.http_load import load
from tests.benchmarks.soak_faults import Faults, RService, break_things, ends_in_time, watch_the_process
from tests.benchmarks.soak_platform import CONNECTIONS, USERS, Platform, Said
from tests.integration.silent_proxy import silent_proxy

TIMEOUT_S = 6
# What a call may leave in the database's pool of the API: a connection a thread, and as many for what is above.
POOL = 16


def wrong(said: list[Said], bank: ItemBank) -> int:
    """Answers that are not what follows from what the user had answered by then."""
    user = np.repeat(np.arange(len(said)), [len(one.answers) for one in said])
    item = np.array([j for one in said for j in one.answers], np.int64)
    correct = np.array([right for one in said for right in one.answers.values()], np.float64)
    names = tuple(map(str, range(len(said))))
    thetas = InProcessEstimator().estimate(Responses(names, bank.item_keys, user, item, correct), bank)
    found = np.array([[one.body["theta"], one.body["se"], one.body["n_items"]] for one in said], np.float64)
    expected = np.column_stack([thetas.theta, thetas.se, thetas.n_items])
    return int((np.abs(found - expected) > 1e-6).any(axis=1).sum())  # R and this process agree to 1e-9


def catch_up_all(engine: sa.Engine) -> int:
    """Everybody whom the API did not update is, as Dagster would do it; returns how many they were."""
    catch_up.GRACE = dt.timedelta(0)
    sensor, n, cursor = catch_up.catch_up_sensor(ADOPTED), 0, None
    resources = {"engine": engine, "rules": ScoringRules(), "estimator": InProcessEstimator()}
    while True:
        with dg.build_sensor_context(resources=resources, cursor=cursor) as context:
            result = sensor(context)
        assert isinstance(result, dg.SensorResult), result
        cursor = result.cursor
        if not result.asset_events:
            return n
        n += sum(int(str(count.value)) for count in result.asset_events[0].metadata.values())


def stored(engine: sa.Engine) -> dict[str, sa.Row[tuple[object, ...]]]:
    with transaction(engine) as connection:
        rows = connection.exec_driver_sql("SELECT user_id, theta, se, n_items, as_of FROM mirt_ability")
        return {row.user_id: row for row in rows}


def lost(platform: Platform, abilities: Mapping[str, sa.Row[tuple[object, ...]]]) -> int:
    """Users of whom the API said that an ability is stored, and neither that one is nor a later one."""
    n = 0
    for user, learner in platform.learners.items():
        if learner.last_ok is not None:
            row = abilities.get(user)
            as_of = dt.datetime.fromisoformat(str(learner.last_ok["as_of"]))
            n += row is None or row.as_of < as_of or (row.as_of == as_of and row.theta != learner.last_ok["theta"])
    return n


def behind(platform: Platform, abilities: Mapping[str, sa.Row[tuple[object, ...]]]) -> int:
    """Users whose last session the stored ability does not know."""
    ended = {user: learner.ended_at for user, learner in platform.learners.items() if learner.ended_at}
    return sum(user not in abilities or abilities[user].as_of <= at for user, at in ended.items())


def connections(here: Bed) -> int:
    """Of the API to the database; ours bears a name of its own."""
    with psycopg.connect(here.database_url.replace("+psycopg", ""), application_name="the soak") as connection:
        count = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name LIKE 'seedtest%'"
        )
        return int((connection.execute(count).fetchone() or (0,))[0])


def serving(faults: Faults, log: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    url = sa.make_url(faults.here.database_url).set(port=faults.proxy.port)
    return faults.here.server(
        faults.port, "seedtest_pipeline", "api", "--port", str(faults.port), log=log,
        R_IRT_BASE_URL=f"http://127.0.0.1:{faults.r.port}", API_TIMEOUT_SECS=str(TIMEOUT_S),
        DATABASE_URL=url.render_as_string(hide_password=False),
    )  # fmt: skip


def ended_under_each(faults: Faults, log: Path) -> int:
    """Of how many faults the API did not end by itself within its grace period (docs/operations/api.md)."""
    took = {}
    for name in faults.by_name:
        with serving(faults, log) as process:
            took[name] = ends_in_time(faults, process, name, TIMEOUT_S + 13)
    print("ended after", ", ".join(f"{'-' if s is None else f'{s:.1f}'} s ({name})" for name, s in took.items()))
    return sum(seconds is None for seconds in took.values())


def main(minutes: float) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        home = Path(folder)
        here = running.enter_context(bed(home, USERS, weeks_made=False))
        url = sa.make_url(here.database_url)
        proxy = running.enter_context(silent_proxy(str(url.host), url.port or 0))
        r = RService(home / "r.log")
        running.callback(r.kill)
        faults = Faults(here, r, proxy, free_port())
        with serving(faults, home / "api.log"):
            full = load(faults.port, UPDATE, here.token, users=USERS, connections=CONNECTIONS, seconds=5)
            per_s = full.per_s / 2
            print(f"{full.per_s:.0f} updates/s with R; {per_s:.0f}/s for {minutes:g} minutes ...", flush=True)
            platform = Platform(here, faults.port)
            until = time.monotonic() + 60 * minutes
            broken, missed = asyncio.run(_all(platform.work(until, per_s), faults, until))
            time.sleep(8)  # requests that were given up go on to their end
            asyncio.run(platform.work(time.monotonic() + 5, per_s))  # all is there again, and every thread at work
            open_connections = connections(here)
        left_open = connections(here)
        engine = make_engine(here.database_url, "the soak")
        n_lost = lost(platform, stored(engine))
        n_caught_up = catch_up_all(engine)
        abilities = stored(engine)
        final = [
            Said(learner.answers, dict(abilities[user]._mapping))
            for user, learner in platform.learners.items()
            if learner.ended_at and user in abilities
        ]
        other_5xx = sum(n for status, n in platform.statuses.items() if status >= 500 and status != 503)
        print(f"{platform.sessions:,} sessions ended; answers by status: {dict(platform.statuses)}; {dict(broken)}")
        not_in_time = ended_under_each(faults, home / "ends.log")
        print(f"{n_caught_up} users caught up; {open_connections} connections open while it ran")
        counts = {
            "wrong answers": wrong(platform.said, here.bank),
            "5xx that are not 503": other_5xx,
            "looks at /livez without an answer": missed,
            "ends by force or too late": not_in_time,
            "connections to the API that broke": platform.broken_connections,
            "updates lost": n_lost,
            "sessions not caught up": behind(platform, abilities),
            "wrong abilities stored at the end": wrong(final, here.bank),
            "connections to the database leaked": max(0, open_connections - POOL) + left_open,
        }
        engine.dispose()
        for what, n in counts.items():
            print(f"{n:8}  {what}")
        shutil.copyfile(home / "api.log", Path(tempfile.gettempdir()) / "soak-api.log")
        sys.exit(any(counts.values()))


async def _all(work: Coroutine[None, None, None], faults: Faults, until: float) -> tuple[Counter[str], int]:
    _, done, missed = await asyncio.gather(work, break_things(faults, until), watch_the_process(faults.port, until))
    return done, missed


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10)
