"""The exam platform of the soak: learners whose sessions end, and who remembers what the API said of them."""

import asyncio
import datetime as dt
import json
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg

from tests.benchmarks.api_bench_bed import N_ITEMS, Bed
from tests.benchmarks.bench_api import UPDATE
from tests.benchmarks.http_load import Connection
from tests.benchmarks.soak_faults import WRITABLE

USERS = 1_000
CONNECTIONS = 8


@dataclass
class Learner:
    """What a platform knows of a user: answers by item, first attempts only, and what the API said last."""

    answers: dict[int, bool] = field(default_factory=dict)
    ended_at: dt.datetime | None = None
    last_ok: dict[str, object] | None = None


@dataclass(frozen=True)
class Said:
    """An answer of the API, with the answers of the user at that time."""

    answers: dict[int, bool]
    body: dict[str, object]


class Platform:
    """Ends sessions and calls the API, at a steady rate, each user from one connection only."""

    def __init__(self, here: Bed, port: int) -> None:
        self.here, self.port, self.token = here, port, here.token
        self.learners = {f"soak-{n}": Learner() for n in range(USERS)}
        self._draws = [random.Random(n) for n in range(CONNECTIONS)]
        # Of its own: they wait for a database that is away, and others bring it back.
        self._threads = ThreadPoolExecutor(CONNECTIONS)
        self.said: list[Said] = []
        self.statuses: Counter[int] = Counter()
        self.broken_connections = 0
        self.sessions = 0

    async def work(self, until: float, per_s: float) -> None:
        await asyncio.gather(*(self._caller(n, until, CONNECTIONS / per_s) for n in range(CONNECTIONS)))

    async def _caller(self, n: int, until: float, every_s: float) -> None:
        users = list(self.learners)[n::CONNECTIONS]
        draw = self._draws[n]
        due = time.monotonic()
        while (now := time.monotonic()) < until:
            await asyncio.sleep(max(0.0, due - now))
            due = max(due + every_s, now - 1)  # after an outage it does not catch up at once
            user = draw.choice(users)
            if draw.random() < 0.5:
                await asyncio.get_running_loop().run_in_executor(self._threads, self._end_session, user, draw)
            if self.learners[user].answers:
                await self._tell(user)

    def _end_session(self, user: str, draw: random.Random) -> None:
        """Committed, or not there at all: what could not be written is forgotten."""
        items = draw.sample(range(N_ITEMS), 8)
        given = {item: draw.random() < 0.5 for item in items}
        questions = [{"question_id": f"i{item}", "is_correct": right} for item, right in given.items()]
        url = self.here.database_url.replace("+psycopg", "")
        session = f"{user}-{draw.getrandbits(64)}"
        try:
            with psycopg.connect(url, connect_timeout=3, autocommit=True, options=WRITABLE) as connection:
                (ended_at,) = connection.execute(
                    "INSERT INTO exam_results (user_id, session_id, status, result_json, created_at, updated_at) "
                    "VALUES (%s, %s, 'completed', %s, clock_timestamp(), clock_timestamp()) RETURNING updated_at",
                    [user, session, json.dumps({"questions": questions})],
                ).fetchone() or (None,)
        except psycopg.OperationalError:
            ended_at = self._ended_at(url, session)
        if ended_at is not None:
            learner = self.learners[user]
            learner.answers = {**given, **learner.answers}
            learner.ended_at = ended_at
            self.sessions += 1

    @staticmethod
    def _ended_at(url: str, session: str) -> dt.datetime | None:
        """A connection that breaks during a commit leaves open whether it was one: ask once the server is back."""
        while True:
            try:
                with psycopg.connect(url, connect_timeout=3) as connection:
                    found = connection.execute("SELECT updated_at FROM exam_results WHERE session_id = %s", [session])
                    row: tuple[dt.datetime] | None = found.fetchone()
                    return row[0] if row else None
            except psycopg.OperationalError:
                time.sleep(0.2)

    async def _tell(self, user: str) -> None:
        learner = self.learners[user]
        answers = learner.answers
        try:
            async with asyncio.timeout(30), Connection(self.port, self.token) as connection:
                status, body = await connection.post(UPDATE, json.dumps({"user_id": user}).encode())
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            self.broken_connections += 1
            return
        self.statuses[status] += 1
        if status == 200:
            learner.last_ok = json.loads(body)
            self.said.append(Said(answers, learner.last_ok))
