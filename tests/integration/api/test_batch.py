"""update-theta of many users at once, and of learners with very many answers: the same numbers, and nobody waits."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import numpy as np
import pytest
import sqlalchemy as sa

from assets.abilities import many_updates
from assets.abilities.many_updates import update_many
from assets.abilities.on_demand import LongHistory, Updater
from assets.abilities.scoring import ScoringRules
from resources.database.engine import transaction
from resources.errors import EstimatorUnavailable
from resources.estimators.in_process import InProcessEstimator
from resources.model import STANDARD_NORMAL
from seedtest_pipeline.api import grouped_updates
from seedtest_pipeline.api.long_work import LongWork
from seedtest_pipeline.api.schemas import BATCH
from tests.integration.api.platform import adopt, end_session

RULES = ScoringRules()


def batch(api: httpx.Client, *user_ids: object, **more: object) -> httpx.Response:
    return api.post("/analysis/irt/update-theta:batch", json={"user_ids": user_ids, **more})


@pytest.fixture
def platform(engine):
    """u1 and u2 have answers that count, u3 skipped all, u4 met unknown items, u5 has none."""
    adopt(engine)
    end_session(engine, "u1", "s1", "1101_1")
    end_session(engine, "u1", "s2", "0011", first=2)
    end_session(engine, "u2", "s1", "0001")
    end_session(engine, "u3", "s1", "___")
    end_session(engine, "u4", "s1", "10", first=20)
    return engine


def test_each_user_of_a_batch_has_the_outcome_of_his_own_update(platform, api):
    answer = batch(api, "u2", "u5", "u1", "u4", "u3")
    assert answer.status_code == 200, answer.text
    outcomes = answer.json()["outcomes"]
    alone = [api.post("/analysis/irt/update-theta", json={"user_id": u}).json() for u in ("u2", "u5", "u1", "u4", "u3")]
    for found, expected in zip(outcomes, alone, strict=True):
        times = {"as_of", "updated_at"} & expected.keys()
        numbers = {"theta", "se"} & expected.keys()
        assert {**found, **dict.fromkeys(times | numbers)} == {**expected, **dict.fromkeys(times | numbers)}
        np.testing.assert_allclose([found[n] for n in numbers], [expected[n] for n in numbers], atol=1e-12)
    assert [found.get("reason") for found in outcomes] == [
        None, "no_attempts", None, "no_item_parameters", "no_attempts",
    ]  # fmt: skip
    assert len({found["as_of"] for found in outcomes if "as_of" in found}) == 1


def test_without_an_item_bank_each_of_a_batch_is_told_so(engine, api):
    end_session(engine, "u1", "s1", "10")
    reasons = [found["reason"] for found in batch(api, "u1", "u2").json()["outcomes"]]
    assert reasons == ["no_item_parameters", "no_attempts"]


@pytest.mark.parametrize("user_ids", [[], ["u1", "u2", "u1"], [1, "1"], [""], [f"u{n}" for n in range(1001)], "u1"])
def test_nobody_too_many_or_somebody_twice_is_no_batch(api, user_ids):
    assert api.post("/analysis/irt/update-theta:batch", json={"user_ids": user_ids}).status_code == 422


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param("-" * 32, id="like a UUID"),
        pytest.param("가" * 124, id="long, and escaped by json.dumps"),
    ],
)
def test_a_batch_is_a_thousand_users_whichever_way_their_ids_are_written(platform, api, rest):
    """It was 160 of the long ones: a body of 120 kB was the most."""
    body = json.dumps({"user_ids": [f"{n:04}{rest}" for n in range(BATCH)]})
    answer = api.post("/analysis/irt/update-theta:batch", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["outcomes"]) == BATCH


def test_a_batch_too_large_for_one_statement_is_taken_in_parts(platform, monkeypatch):
    """Of three each has more than fits, so each is read alone, without a limit, and after the others."""
    updater = Updater(platform, InProcessEstimator())
    whole = update_many(updater, ["u1", "u2", "u3", "u5"], RULES)
    monkeypatch.setattr(many_updates, "MOST_BYTES_AT_ONCE", 1)
    read = []
    update_all = Updater.update_all
    monkeypatch.setattr(
        Updater, "update_all", lambda self, ids, *a, **k: (read.append(len(ids)), update_all(self, ids, *a, **k))[1]
    )
    parts = update_many(updater, ["u1", "u2", "u3", "u5"], RULES)
    assert read == [4, 2, 1, 1, 2, 1, 1, 1, 1, 1], "u3 skipped all, but has a session"
    assert [(u.user_id, u.reason) for u in parts] == [(u.user_id, u.reason) for u in whole]
    np.testing.assert_allclose([u.ability.theta for u in parts[:2]], [u.ability.theta for u in whole[:2]], atol=1e-12)


class FailingFor(InProcessEstimator):
    """Fails with this error whenever one of these users is among those asked for; `tries` counts."""

    def __init__(self, error: Exception, *user_ids: str, healthy: bool = True) -> None:
        self.error, self.users, self.healthy, self.tries = error, {*user_ids}, healthy, 0

    def estimate(self, responses, bank, prior=STANDARD_NORMAL, *, request_id=None):
        self.tries += 1
        if not self.users.isdisjoint(responses.user_ids):
            raise self.error
        return super().estimate(responses, bank, prior, request_id=request_id)

    def check(self) -> str:
        if not self.healthy:
            raise EstimatorUnavailable("It is down.")
        return super().check()


@pytest.mark.parametrize(("error", "retry"), [(FloatingPointError(), False), (EstimatorUnavailable("NaN."), True)])
def test_an_update_that_fails_fails_alone_and_says_whether_to_come_again(platform, serve, caplog, error, retry):
    """One learner's answers failed a thousand others' updates."""
    api = serve(estimator=FailingFor(error, "u2"))
    outcomes = batch(api, "u1", "u2", "u3", "u4", "u5").json()["outcomes"]
    assert [found["status"] for found in outcomes] == ["ok", "failed", "noop", "noop", "noop"]
    assert outcomes[1] == {"status": "failed", "user_id": "u2", "retry": retry}
    assert [api.get(f"/users/{u}/theta").json()["current"] is None for u in ("u1", "u2")] == [False, True]
    assert "seedtest_api_failed_updates_total 1.0" in api.get("/metrics").text
    assert [vars(line)["user"] for line in caplog.records if line.message == "an update failed"] == ["u2"]


def test_where_the_estimator_is_down_or_nobody_can_be_estimated_the_batch_fails_as_one(platform, serve):
    down = FailingFor(EstimatorUnavailable("It is down."), "u1", "u2", healthy=False)
    assert batch(serve(estimator=down), "u1", "u2").json()["type"] == "/problems/estimator-unavailable"
    assert down.tries == 1, "a service that is down is not asked for each user"
    broken = FailingFor(FloatingPointError(), "u1", "u2")
    assert batch(serve(estimator=broken), "u1", "u2").status_code == 500


def test_a_learner_with_very_many_answers_is_estimated_apart_from_the_others(platform, serve, monkeypatch):
    """64 updates of one with 200,000 answers held all threads, and everybody got 503."""
    with pytest.raises(LongHistory):
        Updater(platform, InProcessEstimator()).update("u1", RULES, most_bytes=1)
    monkeypatch.setattr(grouped_updates, "MOST_BYTES", 1)
    apart = []
    once = LongWork.once
    monkeypatch.setattr(LongWork, "once", lambda self, key, work: (apart.append(key[0]), once(self, key, work))[1])
    answer = serve().post("/analysis/irt/update-theta", json={"user_id": "u1"})
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert apart == ["u1"]


@contextmanager
def held(engine: sa.Engine, user_id: str) -> Iterator[None]:
    """The row of the user's current ability is another one's, as while a week is stored."""
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "SELECT FROM seedtest_mirt_ability WHERE user_id = %(user)s FOR UPDATE", {"user": user_id}
        )
        yield


def test_one_whose_row_another_holds_keeps_nobody_waiting_in_a_batch(platform, serve):
    """A thousand updates waited for one row, and were all 503."""
    api = serve(api_timeout_secs=2)
    batch(api, "u1", "u2")
    with held(platform, "u2"):
        found = batch(api, "u2", "u1", "u3").json()["outcomes"]
    assert [one["status"] for one in found] == ["failed", "ok", "noop"]
    assert found[0]["retry"]


def test_updates_that_arrive_together_and_reads_wait_for_nobodys_row(platform, serve):
    """Eight held rows took all threads, and reads waited for them."""
    api = serve()
    batch(api, "u1", "u2")

    def update(user_id: str) -> dict[str, object]:
        return api.post("/analysis/irt/update-theta", json={"user_id": user_id}).json()

    with ThreadPoolExecutor(12) as callers:
        with held(platform, "u2"):
            waiting = [callers.submit(update, "u2") for _ in range(8)]
            others = [callers.submit(update, user_id) for user_id in ("u1", "u3", "u1", "u4")]
            assert {str(one.result()["status"]) for one in others} == {"ok", "noop"}
            assert api.get("/users/u1/theta").status_code == 200
            assert not any(one.done() for one in waiting)
        assert {one.result()["status"] for one in waiting} == {"ok"}


def test_updates_that_arrive_together_are_each_ones_own(platform, serve, engine):
    """Each answer is of who was asked about, rests on all that was stored before it was asked for, and is stored."""
    users = [f"many-{n}" for n in range(20)]
    for n, user_id in enumerate(users):
        end_session(engine, user_id, "s1", "10" if n % 2 else "0111")
    api = serve()

    def sessions_end(user_id: str) -> list[int]:
        rests_on = []
        for n in range(4):
            end_session(engine, user_id, f"more-{n}", "1", first=10 + n)
            found = api.post("/analysis/irt/update-theta", json={"user_id": user_id}).json()
            assert found["user_id"] == user_id
            rests_on.append(found["n_items"])
        return rests_on

    with ThreadPoolExecutor(16) as callers:
        for n, rests_on in enumerate(callers.map(sessions_end, users)):
            first = 2 if n % 2 else 4
            assert rests_on == [first + 1, first + 2, first + 3, first + 4]
    assert 0 < _groups(api.get("/metrics").text) < 80
    current = [api.get(f"/users/{user_id}/theta").json()["current"]["n_items"] for user_id in users]
    assert current == [6 if n % 2 else 8 for n in range(20)]


def _groups(metrics: str) -> float:
    return float(next(line for line in metrics.splitlines() if "updates_together_count" in line).split()[1])
