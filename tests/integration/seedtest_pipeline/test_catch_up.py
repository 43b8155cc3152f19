"""Sessions that the API heard nothing of: found once, updated in a run, and never asked about for ever."""

import datetime as dt

import dagster as dg
import pytest
import sqlalchemy as sa

from assets.abilities.on_demand import Updater
from assets.abilities.scoring import ScoringRules
from assets.failures import ATTENDED
from resources.database.engine import transaction
from resources.database.queries.item_banks import ADOPTED
from resources.errors import EstimatorUnavailable, OperatorRequired
from resources.estimators.in_process import InProcessEstimator
from seedtest_pipeline.automation import catch_up
from seedtest_pipeline.automation.catch_up import GRACE, Place, catch_up_job, catch_up_sensor
from tests.integration.api.platform import adopt, end_session

RULES = ScoringRules()


class Platform:
    """The sensor's ticks and the runs that it asks for, as Dagster's daemon would make them."""

    def __init__(self, engine: sa.Engine, instance: dg.DagsterInstance) -> None:
        self.engine, self.instance = engine, instance
        self.job = catch_up_job(ADOPTED)
        self.sensor = catch_up_sensor(self.job, ADOPTED)
        self.cursor: str | None = None

    def end(self, user_id: str, session_id: str = "s1", marks: str = "10", ago: dt.timedelta = 2 * GRACE) -> None:
        end_session(self.engine, user_id, session_id, marks, at=dt.datetime.now(dt.UTC) - ago)

    def tick(self) -> list[str] | None:
        """The users asked for; None if nobody."""
        resources = {"engine": self.engine, "rules": RULES}
        with dg.build_sensor_context(instance=self.instance, resources=resources, cursor=self.cursor) as context:
            result = self.sensor(context)
        if isinstance(result, dg.SkipReason):
            return None
        self.cursor = result.cursor
        self.requests = result.run_requests or []
        if not self.requests:
            return None
        return self.requests[0].run_config["ops"]["update_abilities"]["config"]["user_ids"]

    def run(self, estimator=None) -> dg.ExecuteInProcessResult:
        (request,) = self.requests
        return self.job.execute_in_process(
            instance=self.instance, run_config=request.run_config, raise_on_error=False,
            tags={"dagster/run_key": request.run_key, ATTENDED: "yes"},  # attended: fails without waiting to try again
            resources={
                "engine": self.engine, "rules": RULES, "estimator": estimator or InProcessEstimator(),
                "progress": lambda *_: None,
            },
        )  # fmt: skip

    def current(self) -> list[str]:
        with transaction(self.engine) as connection:
            return list(connection.exec_driver_sql("SELECT user_id FROM mirt_ability ORDER BY user_id").scalars())


@pytest.fixture
def platform(engine):
    with dg.DagsterInstance.ephemeral() as instance:
        yield Platform(engine, instance)


def test_who_was_not_updated_is_found_in_the_order_of_the_ends_updated_and_found_no_more(platform):
    adopt(platform.engine)
    platform.end("late")
    platform.end("later", ago=1.5 * GRACE)
    platform.end("told")
    Updater(platform.engine, InProcessEstimator()).update("told", RULES)
    assert platform.tick() == ["late", "later"]
    assert platform.run().success
    assert platform.current() == ["late", "later", "told"]
    assert platform.tick() is None
    platform.end("late", "s2", ago=GRACE + dt.timedelta(seconds=1))
    assert platform.tick() is None, "an end inside what was dealt with already"


def test_a_session_after_the_current_ability_is_found(platform):
    adopt(platform.engine)
    platform.end("u1")
    assert platform.tick() == ["u1"]
    platform.run()
    with transaction(platform.engine) as connection:
        connection.exec_driver_sql("UPDATE mirt_ability SET as_of = now() - interval '20 minutes'")
    platform.cursor = None
    assert platform.tick() == ["u1"]


def test_who_has_nothing_to_be_estimated_from_is_asked_about_once(platform):
    adopt(platform.engine)
    platform.end("blank", marks="__")
    assert platform.tick() == ["blank"]
    run = platform.run()
    assert run.success
    (event,) = [event for event in run.all_events if event.event_type == dg.DagsterEventType.STEP_OUTPUT]
    assert {name: value.value for name, value in event.event_specific_data.metadata.items()} == {"no_attempts": 1}
    assert [platform.tick() for _ in range(3)] == [None] * 3


def test_a_session_that_has_just_ended_or_is_older_than_the_look_back_is_left_alone(platform):
    adopt(platform.engine)
    platform.end("now", ago=dt.timedelta(0))
    platform.end("long ago", ago=dt.timedelta(days=31))
    assert platform.tick() is None
    assert dt.datetime.now(dt.UTC) - Place.model_validate_json(platform.cursor).done.at >= GRACE


def test_more_than_a_run_holds_are_done_one_batch_after_the_other_even_if_they_ended_at_once(platform, monkeypatch):
    monkeypatch.setattr(catch_up, "USERS_PER_RUN", 2)
    adopt(platform.engine)
    at = dt.datetime.now(dt.UTC) - 2 * GRACE
    for n in range(5):
        end_session(platform.engine, f"u{n}", "s1", "__" if n % 2 else "10", at=at)
    asked = []
    while batch := platform.tick():
        asked.append(batch)
        platform.run()
    assert asked == [["u0", "u1"], ["u2", "u3"], ["u4"]]


def test_while_the_estimator_is_down_nobody_is_forgotten_and_nobody_asked_about_at_every_tick(platform):
    class Down(InProcessEstimator):
        def estimate(self, *given, **more):
            raise EstimatorUnavailable("down")

    adopt(platform.engine)
    platform.end("u1")
    assert platform.tick() == ["u1"]
    first = platform.requests[0].run_key
    assert not platform.run(Down()).success
    platform.end("u2", ago=1.5 * GRACE)
    assert platform.tick() == ["u1", "u2"]
    assert platform.requests[0].run_key == first, "Dagster would launch it a second time within minutes"
    assert platform.run().success
    assert platform.current() == ["u1", "u2"]


def test_a_user_who_cannot_be_estimated_does_not_hold_up_the_others(platform):
    class Choosy(InProcessEstimator):
        def estimate(self, responses, *given, **more):
            if responses.user_ids == ("bad",):
                raise OperatorRequired("not resolved")
            return super().estimate(responses, *given, **more)

    adopt(platform.engine)
    for user in ("bad", "good"):
        platform.end(user)
    assert platform.tick() == ["bad", "good"]
    assert platform.run(Choosy()).success
    assert platform.current() == ["good"]
    assert platform.tick() is None


def test_without_an_item_bank_it_waits_for_one(platform):
    platform.end("u1")
    assert platform.tick() is None
    assert platform.cursor is None
    adopt(platform.engine)
    assert platform.tick() == ["u1"]
