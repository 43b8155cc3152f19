"""Seven weeks of four users, of which the last has just ended, and the sensor for what is due over them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import sqlalchemy as sa

from assets import responses
from assets.abilities.scoring import ScoringRules
from assets.partitions import Partitions
from assets.user_keys import UserKeys
from resources.artifacts.folder import FolderStore
from resources.database.engine import make_engine, transaction
from resources.database.queries.estimates import made_weeks
from resources.database.queries.estimates.made_weeks import MadeWeek
from resources.database.queries.items.item_banks import ADOPTED
from resources.model import Week
from resources.warehouse.warehouse import Warehouse
from seedtest_pipeline.automation.due_weeks import due_weeks_sensor
from seedtest_pipeline.automation.schedule import Monday
from tests.integration.api.platform import adopt
from tests.integration.assets.freezing import FIRST, answer, run

USERS = ["u1", "u2", "u3", "u4"]
WEEKS = [FIRST.plus(n) for n in range(7)]


class Deployment:
    """Four users with an answer in each week, and the sensor over them."""

    def __init__(self, engine: sa.Engine, warehouse: Warehouse, instance: dg.DagsterInstance, buckets: int) -> None:
        self.engine, self.warehouse, self.instance = engine, warehouse, instance
        self.partitions = Partitions(FIRST, UserKeys(buckets))
        self.sensor = due_weeks_sensor(
            self.partitions, [responses.build(self.partitions)], ADOPTED, [("learner", "html")], Monday(ZoneInfo("UTC"))
        )  # fmt: skip
        self.cursor: str | None = None
        if not buckets:
            instance.add_dynamic_partitions("user", USERS)

    def load(self) -> None:
        adopt(self.engine)
        for week in WEEKS:
            answer(self.engine, *((user, "q1") for user in USERS), week=week)

    @property
    def keys(self) -> list[str]:
        return list(self.partitions.user_keys(self.instance))

    def key(self, user: str) -> str:
        return self.partitions.users.key_of(user)

    def freeze(self, *weeks: Week, user_ids: list[str] | None = None) -> None:
        assert run(
            self.engine, self.warehouse, self.partitions, self.keys, *(weeks or WEEKS), user_ids=user_ids
        ).success

    def estimate(self, *weeks: Week) -> None:
        """That abilities were made from what is frozen."""
        with transaction(self.engine) as connection:
            for week in weeks or WEEKS:
                made = {key: MadeWeek(of, "made") for key, of in self.warehouse.checksums(week).items()}
                made_weeks.record(connection, week, made)

    def make(self, *weeks: Week) -> None:
        self.freeze(*weeks)
        self.estimate(*weeks)

    def tick(self) -> list[dg.RunRequest]:
        resources = {"engine": self.engine, "warehouse": self.warehouse, "rules": ScoringRules()}
        with dg.build_sensor_context(instance=self.instance, resources=resources, cursor=self.cursor) as context:
            result = self.sensor(context)
        if isinstance(result, dg.SkipReason):
            self.said = str(result.skip_message)
            return []
        assert isinstance(result, dg.SensorResult)
        self.cursor, self.said = result.cursor, str(result.skip_reason.skip_message) if result.skip_reason else ""
        return list(result.run_requests or [])

    def change(self, statement: str, **values: object) -> None:
        with transaction(self.engine) as connection:
            assert connection.exec_driver_sql(statement, values).rowcount


@contextmanager
def deployment(url: str, folder: Path, buckets: int) -> Iterator[Deployment]:
    engine = make_engine(url)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Deployment(engine, Warehouse(FolderStore(folder)), instance, buckets)
    engine.dispose()
