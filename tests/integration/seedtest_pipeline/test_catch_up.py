"""Sessions that the API heard nothing of: found once they have arrived, updated, and never asked about for ever."""

import datetime as dt
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import dagster as dg
import pytest
import sqlalchemy as sa

from assets.abilities.on_demand import Updater
from assets.abilities.scoring import ScoringRules
from resources.database.engine import transaction
from resources.database.queries.items.item_banks import ADOPTED
from resources.database.queries.sessions import missed_updates
from resources.database.queries.sessions.missed_updates import Arrivals
from resources.errors import EstimatorUnavailable, OperatorRequired
from resources.estimators.in_process import InProcessEstimator
from resources.postgres.server_folder import wait_until
from seedtest_pipeline.automation import catch_up
from seedtest_pipeline.automation.catch_up import GRACE, Place, catch_up_sensor
from tests.integration.api.platform import BANK, adopt, end_session
from tests.waiting import PATIENCE_S

RULES = ScoringRules()


class Platform:
    """Sessions, and the sensor's ticks as Dagster's daemon would make them."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.sensor = catch_up_sensor(ADOPTED)
        self.cursor: str | None = None
        self.holds_one_open = False

    def end(self, user_id: str, session_id: str = "s1", marks: str = "10", **ago: float) -> None:
        """A session that arrives now, and ended some time ago."""
        end_session(self.engine, user_id, session_id, marks, at=dt.datetime.now(dt.UTC) - dt.timedelta(**ago))

    def api_updates(self, user_id: str) -> None:
        Updater(self.engine, InProcessEstimator()).update(user_id, RULES)

    def settle(self) -> None:
        """Until whatever transactions there are now have ended: other tests use the same server, and have theirs."""
        with transaction(self.engine) as connection:
            newest = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
            until = connection.exec_driver_sql(newest).scalar_one()

        def ended() -> bool:
            with transaction(self.engine) as connection:
                return missed_updates.all_ended_before(connection) >= until

        assert wait_until(ended, PATIENCE_S)

    def tick(self, estimator: InProcessEstimator | None = None) -> dict[str, object]:
        """What became of how many users, as the event in Dagster says."""
        if not self.holds_one_open:
            self.settle()
        resources = {"engine": self.engine, "rules": RULES, "estimator": estimator or InProcessEstimator()}
        with dg.build_sensor_context(resources=resources, cursor=self.cursor) as context:
            result = self.sensor(context)
        if isinstance(result, dg.SkipReason):
            self.said, events = result.skip_message, []
        else:
            self.cursor, self.said = result.cursor, result.skip_reason.skip_message
            events = result.asset_events
        return {name: value.value for event in events for name, value in event.metadata.items()}

    def current(self) -> list[str]:
        with transaction(self.engine) as connection:
            return list(connection.exec_driver_sql("SELECT user_id FROM mirt_ability ORDER BY user_id").scalars())

    def as_of(self, user_id: str) -> dt.datetime:
        with transaction(self.engine) as connection:
            query = "SELECT as_of FROM mirt_ability WHERE user_id = %(user)s"
            return connection.exec_driver_sql(query, {"user": user_id}).scalar_one()


@pytest.fixture
def platform(engine, monkeypatch):
    monkeypatch.setattr(catch_up, "GRACE", dt.timedelta(0))
    adopt(engine)
    return Platform(engine)


def test_who_was_not_updated_is_found_updated_and_found_no_more(platform):
    platform.end("late", minutes=10)
    platform.end("later")
    platform.end("told")
    platform.api_updates("told")
    assert platform.tick() == {"updated": 2}
    assert platform.said == "updated: 2."
    assert platform.current() == ["late", "later", "told"]
    assert platform.tick() == {}
    assert "has its update" in platform.said


def test_a_session_that_arrives_hours_after_its_end_was_missed_and_is_found(platform):
    """A device that was offline: by then the sensor had gone beyond the session's own time."""
    platform.end("u1", "s1")
    platform.api_updates("u1")
    before = platform.as_of("u1")
    assert platform.tick() == {}
    platform.end("u1", "s2", marks="01", hours=5)
    platform.end("u2", "s1", hours=5)
    assert platform.tick() == {"updated": 2}
    assert platform.as_of("u1") > before
    assert platform.tick() == {}


def test_an_ability_as_of_a_weeks_end_does_not_know_a_later_session_although_it_was_stored_after_it(platform):
    """As by a weekly run: what it stores is as of Monday 00:00 UTC."""
    platform.end("u1")
    platform.api_updates("u1")
    with transaction(platform.engine) as connection:
        connection.exec_driver_sql("UPDATE mirt_ability SET as_of = now() - interval '20 minutes'")
    assert platform.tick() == {"updated": 1}


def test_on_a_restored_backup_whose_server_counts_transactions_from_lower_on_nobody_is_overlooked(platform):
    """Everything seemed to lie before the place that the sensor had got to on the old server."""
    platform.cursor = Place(done=2**40, seen=[(dt.datetime.now(dt.UTC), 2**40)]).model_dump_json()
    platform.end("missed")
    platform.end("told")
    platform.api_updates("told")
    assert platform.tick() == {"updated": 1}


def test_who_has_nothing_to_be_estimated_from_is_asked_about_once(platform):
    platform.end("blank", marks="__")
    assert platform.tick() == {"no_attempts": 1}
    assert [platform.tick() for _ in range(3)] == [{}] * 3


def test_a_session_that_has_just_arrived_is_left_to_the_api(platform, monkeypatch):
    monkeypatch.setattr(catch_up, "GRACE", GRACE)
    platform.end("now", hours=1)
    assert [platform.tick() for _ in range(2)] == [{}] * 2
    assert Place.model_validate_json(platform.cursor).done == 0
    aged = Place.model_validate_json(platform.cursor)
    aged.seen = [(at - GRACE, before) for at, before in aged.seen]
    platform.cursor = aged.model_dump_json()
    assert platform.tick() == {"updated": 1}
    assert len(Place.model_validate_json(platform.cursor).seen) == 1, "what has waited for long enough is forgotten"


def test_a_session_older_than_the_look_back_is_left_alone(platform):
    platform.end("long ago", days=32)
    assert platform.tick() == {}


def test_a_session_of_a_transaction_that_is_still_open_is_found_once_it_ends(platform):
    """Its number is lower than that of what was committed in the meantime."""
    with platform.engine.connect() as open_one:
        open_one.exec_driver_sql(
            "INSERT INTO exam_results (user_id, session_id, result_json, created_at, updated_at) VALUES ('slow', 's', "
            """'{"questions": [{"question_id": "i0", "is_correct": true}]}', now(), now())"""
        )
        platform.end("quick")
        platform.holds_one_open = True
        assert platform.tick() == {}, "nor is what came after it: nobody is forgotten, and some wait"
        open_one.commit()
    platform.holds_one_open = False
    assert platform.tick() == {"updated": 2}


def test_more_than_a_tick_holds_are_done_one_batch_after_the_other_even_if_they_arrived_at_once(platform, monkeypatch):
    monkeypatch.setattr(catch_up, "USERS_PER_TICK", 2)
    with transaction(platform.engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO exam_results (user_id, session_id, result_json, created_at, updated_at) "
            "SELECT 'u' || n, 's', '{}', now(), now() FROM generate_series(0, 4) AS n"
        )
    assert [platform.tick() for _ in range(4)] == [{"no_attempts": 2}, {"no_attempts": 2}, {"no_attempts": 1}, {}]


def test_what_a_tick_has_no_time_for_the_next_ones_do(platform, monkeypatch):
    for n in range(3):
        platform.end(f"u{n}")
    times = iter([0.0, 0.0, 99.0, *[200.0] * 9])
    monkeypatch.setattr(catch_up, "time", SimpleNamespace(monotonic=lambda: next(times)))
    assert platform.tick() == {"updated": 1}
    assert platform.tick() == {"updated": 2}


def test_while_the_estimator_is_down_nobody_is_forgotten(platform):
    class Down(InProcessEstimator):
        def estimate(self, *given, **more):
            raise EstimatorUnavailable("The R service is down.")

    platform.end("u1")
    assert platform.tick(Down()) == {}
    assert platform.said == "The R service is down."
    platform.end("u2")
    assert platform.tick(Down()) == {}
    while platform.tick():
        pass
    assert platform.current() == ["u1", "u2"]


def test_a_user_who_cannot_be_estimated_does_not_hold_up_the_others(platform):
    class Choosy(InProcessEstimator):
        def estimate(self, responses, *given, **more):
            if responses.user_ids == ("bad",):
                raise OperatorRequired("not resolved")
            return super().estimate(responses, *given, **more)

    for user in ("bad", "good"):
        platform.end(user)
    assert platform.tick(Choosy()) == {"failed": 1, "updated": 1, "failed users": "bad"}
    assert platform.current() == ["good"]
    assert platform.tick() == {}


def test_without_an_item_bank_it_waits_for_one(platform):
    with transaction(platform.engine) as connection:
        connection.exec_driver_sql("UPDATE mirt_fit_meta SET adopted_at = NULL")
    platform.end("u1")
    assert platform.tick() == {}
    assert "seedtest calibrate" in platform.said
    adopt(platform.engine, replace(BANK, version="b2"))
    assert platform.tick() == {"updated": 1}


def test_each_arrival_lies_between_exactly_two_horizons(platform):
    engine, horizons = platform.engine, []
    for n in range(4):
        platform.settle()
        with transaction(engine) as connection:
            horizons.append(missed_updates.all_ended_before(connection))
        end_session(engine, f"u{n}", "s", "1")
    platform.settle()
    with transaction(engine) as connection:
        horizons.append(missed_updates.all_ended_before(connection))
        since = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)

        def found(begin: int, end: int) -> list[str]:
            return list(missed_updates.find(connection, Arrivals(begin, end), since, "b1", "2PL", 10))

        assert [found(*pair) for pair in pairwise(horizons)] == [["u0"], ["u1"], ["u2"], ["u3"]]
        assert found(0, horizons[-1]) == ["u0", "u1", "u2", "u3"]
        assert found(horizons[2], horizons[2]) == []
