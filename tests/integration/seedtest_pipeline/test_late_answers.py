"""Answers that come late, change or go after their week was frozen: found, asked for once, and found no more."""

import dagster as dg
import pytest
import sqlalchemy as sa

from assets import responses
from assets.abilities.scoring import ScoringRules
from assets.partitions import RANGE_END, RANGE_START, Partitions, range_tags
from assets.user_keys import UserKeys
from resources.database.engine import transaction
from resources.model import Week
from resources.warehouse.folder import Warehouse
from seedtest_pipeline.automation import late_answers
from seedtest_pipeline.automation.late_answers import late_answers_sensor
from tests.integration.assets.freezing import FIRST, answer, run

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")  # of backfill_policy

USERS = ["u1", "u2", "u3", "u4"]
WEEKS = [FIRST.plus(n) for n in range(7)]


class Deployment:
    """Four users with an answer in each of seven weeks, all frozen, and the sensor over them."""

    def __init__(self, engine: sa.Engine, warehouse: Warehouse, instance: dg.DagsterInstance, buckets: int) -> None:
        self.engine, self.warehouse, self.instance = engine, warehouse, instance
        self.partitions = Partitions(FIRST, UserKeys(buckets))
        self.sensor = late_answers_sensor(self.partitions, [responses.build(self.partitions)])
        if not buckets:
            instance.add_dynamic_partitions("user", USERS)
        for week in WEEKS:
            answer(engine, *((user, "q1") for user in USERS), week=week)

    @property
    def keys(self) -> list[str]:
        return list(self.partitions.user_keys(self.instance))

    def freeze(self, *weeks: Week, **how: object) -> None:
        assert run(self.engine, self.warehouse, self.partitions, self.keys, *(weeks or WEEKS), **how).success

    def tick(self, cursor: str | None = None) -> tuple[list[dg.RunRequest], str | None]:
        resources = {"engine": self.engine, "warehouse": self.warehouse, "rules": ScoringRules()}
        with dg.build_sensor_context(instance=self.instance, resources=resources, cursor=cursor) as context:
            result = self.sensor(context)
        return list(result.run_requests or []), result.cursor

    def round(self) -> list[dg.RunRequest]:
        """Ticks until every week was looked at."""
        requests, cursor = self.tick()
        while cursor != WEEKS[-1].key:
            more, cursor = self.tick(cursor)
            requests += more
        return requests

    def change(self, statement: str) -> None:
        with transaction(self.engine) as connection:
            assert connection.exec_driver_sql(statement).rowcount


@pytest.fixture(params=[0, 4], ids=["users", "buckets"])
def deployed(engine, tmp_path, request):
    with dg.DagsterInstance.ephemeral() as instance:
        deployment = Deployment(engine, Warehouse(tmp_path / "warehouse"), instance, request.param)
        deployment.freeze()
        yield deployment


def corners(request: dg.RunRequest) -> tuple[str, str]:
    return request.tags[RANGE_START], request.tags[RANGE_END]


def test_where_nothing_is_late_nothing_is_asked_for_and_every_week_is_looked_at_in_turn(deployed):
    frozen = [week.key for week in deployed.warehouse.weeks()]
    assert len(frozen) == len(WEEKS)
    cursor, looked = None, []
    for _ in range(3):
        requests, cursor = deployed.tick(cursor)
        assert requests == []
        looked.append(cursor)
    assert looked == [frozen[3], frozen[6], frozen[3]]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            "INSERT INTO exam_results (user_id, session_id, result_json, created_at, updated_at) "
            "SELECT user_id, 'late', result_json, created_at, updated_at FROM exam_results "
            "WHERE user_id = 'u2' AND session_id LIKE '%-2025-01-13'",
            id="a session that came late, with times as old as the others",
        ),
        pytest.param(
            "UPDATE exam_results SET result_json = replace(result_json::text, 'true', 'null')::jsonb "
            "WHERE user_id = 'u2' AND session_id LIKE '%-2025-01-13'",
            id="a correction that changes neither count nor time",
        ),
        pytest.param(
            "DELETE FROM exam_results WHERE user_id = 'u2' AND session_id LIKE '%-2025-01-13'",
            id="a session that was taken back",
        ),
    ],
)
def test_what_changed_is_asked_for_with_all_later_weeks_that_rest_on_it_and_no_other_key(deployed, change):
    deployed.change(change.replace("%", "%%"))
    (request,) = deployed.round()
    key = deployed.partitions.users.key_of("u2")
    assert corners(request) == (f"{key}|2025-01-13", f"{key}|{WEEKS[-1]}")
    assert deployed.round()[0].run_key == request.run_key, "Dagster would launch a second run of the same state"
    deployed.freeze(FIRST.plus(1))
    assert deployed.round() == []


def test_the_newest_week_that_was_made_is_where_a_request_ends(deployed):
    answer(deployed.engine, ("u3", "late"), week=WEEKS[-2])
    (request,) = deployed.round()
    key = deployed.partitions.users.key_of("u3")
    assert corners(request) == (f"{key}|{WEEKS[-2]}", f"{key}|{WEEKS[-1]}")


def test_a_user_who_joins_after_a_week_was_made_gets_that_week_too(deployed):
    answer(deployed.engine, ("u9", "q1"), week=WEEKS[-1])
    if not deployed.partitions.users.buckets:
        assert deployed.round() == [], "the key comes first, from the sensor user_keys"
        deployed.instance.add_dynamic_partitions("user", ["u9"])
    (request,) = deployed.round()
    key = deployed.partitions.users.key_of("u9")
    assert corners(request) == (f"{key}|{WEEKS[-1]}", f"{key}|{WEEKS[-1]}")


@pytest.mark.parametrize("deployed", [1], indirect=True, ids=["one bucket"])
def test_one_user_run_by_hand_leaves_the_others_of_the_bucket_late(deployed):
    answer(deployed.engine, ("u1", "late"), ("u2", "late"))
    deployed.freeze(FIRST, user_ids=["u1"])
    assert len(deployed.round()) == 1
    deployed.freeze(FIRST)
    assert deployed.round() == []


def test_nothing_is_asked_for_while_a_run_is_under_way(deployed):
    answer(deployed.engine, ("u1", "late"))

    @dg.job
    def another() -> None:
        """Whatever."""

    deployed.instance.create_run_for_job(another, status=dg.DagsterRunStatus.STARTED)
    resources = {"engine": deployed.engine, "warehouse": deployed.warehouse, "rules": ScoringRules()}
    with dg.build_sensor_context(instance=deployed.instance, resources=resources) as context:
        assert isinstance(deployed.sensor(context), dg.SkipReason)


def test_a_single_user_run_by_hand_does_not_set_off_the_whole_week_for_everybody(engine, tmp_path):
    with dg.DagsterInstance.ephemeral() as instance:
        deployed = Deployment(engine, Warehouse(tmp_path / "warehouse"), instance, buckets=0)
        assert run(engine, deployed.warehouse, deployed.partitions, ["u1"], *WEEKS).success
        assert deployed.round() == []


def test_keys_far_apart_are_one_run_and_their_number_is_bounded():
    keys = [f"k{n:04d}" for n in range(1_200)]
    late = dict.fromkeys(["k0003", "k0400", "k0700", "k1199"], "m")
    requests = list(late_answers._requests(FIRST, [FIRST], keys, late))
    assert [corners(request) for request in requests] == [
        (f"k0003|{FIRST}", f"k0400|{FIRST}"), (f"k0700|{FIRST}", f"k0700|{FIRST}"),
        (f"k1199|{FIRST}", f"k1199|{FIRST}"),
    ]  # fmt: skip
    assert requests[0].tags == range_tags([FIRST], keys[3:401])
    assert len({request.run_key for request in requests}) == 3
