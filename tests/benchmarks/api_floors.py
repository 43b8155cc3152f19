"""What an endpoint costs that does next to nothing: python -m tests.benchmarks.api_floors --port PORT.

Floor 1 is a bare FastAPI endpoint. Floor 2 verifies the same token and does one SELECT and one upsert, by the same
authenticator, driver, pool and threads as the API; it has none of its limits, logs and metrics.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request
from pydantic import BaseModel

from resources.database.engine import make_engine, statements
from seedtest_pipeline.api.auth.authenticators import make_authenticator
from seedtest_pipeline.api.service import AT_WORK
from seedtest_pipeline.settings import Settings

SELECT = "SELECT theta, se FROM floor WHERE user_id = %(user_id)s"
UPSERT = """
    INSERT INTO floor (user_id, theta, se, at) VALUES (%(user_id)s, 0.5, 0.25, now())
    ON CONFLICT (user_id) DO UPDATE SET theta = excluded.theta, se = excluded.se, at = excluded.at
"""
TABLE = "CREATE TABLE IF NOT EXISTS floor (user_id text PRIMARY KEY, theta float8, se float8, at timestamptz)"


class Asked(BaseModel):
    user_id: str


class Answer(BaseModel):
    user_id: str
    theta: float
    se: float


def create(settings: Settings) -> FastAPI:
    assert settings.database_url is not None
    engine = make_engine(settings.database_url.get_secret_value(), pool_size=AT_WORK, ping=False)
    authenticator = make_authenticator(settings, "127.0.0.1")
    threads = ThreadPoolExecutor(AT_WORK)

    @asynccontextmanager
    async def open_and_closed(_: FastAPI) -> AsyncIterator[None]:
        await authenticator.start()
        yield
        await authenticator.aclose()
        engine.dispose()

    app = FastAPI(lifespan=open_and_closed)

    @app.post("/floor1")
    async def floor1(asked: Asked) -> Answer:
        return Answer(user_id=asked.user_id, theta=0.5, se=0.25)

    @app.post("/floor2")
    async def floor2(asked: Asked, request: Request) -> Answer:
        await authenticator.authenticate(request.headers["authorization"])
        return await asyncio.get_running_loop().run_in_executor(threads, _select_and_upsert, asked.user_id)

    def _select_and_upsert(user_id: str) -> Answer:
        with statements(engine) as connection:
            values = {"user_id": user_id}
            found = connection.exec_driver_sql(SELECT, values).one_or_none()
            connection.exec_driver_sql(UPSERT, values)
        theta, se = found or (0.5, 0.25)
        return Answer(user_id=user_id, theta=theta, se=se)

    return app


if __name__ == "__main__":
    uvicorn.run(create(Settings.load()), host="127.0.0.1", port=int(sys.argv[2]), log_config=None, access_log=False)
