"""update-theta over HTTP, against real PostgreSQL: numbers, noops, whose user, and what races leave behind."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import numpy as np
import psycopg
import pytest
import sqlalchemy as sa

from assets.abilities.on_demand import Updater
from assets.abilities.scoring import ScoringRules
from resources.database.engine import transaction
from resources.database.queries.estimates import current_abilities
from resources.estimators.in_process import InProcessEstimator
from resources.model import Responses
from tests.integration.api.platform import BANK, adopt, end_session
from tests.waiting import PATIENCE_S

DAY = dt.timedelta(days=1)
RULES = ScoringRules()


def update(api: httpx.Client, user_id: str, **more: object) -> dict:
    answer = api.post("/analysis/irt/update-theta", json={"user_id": user_id, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def stored(engine: sa.Engine, user_id: str) -> current_abilities.Ability | None:
    with transaction(engine) as connection:
        return current_abilities.current(connection, user_id, BANK.version, "2PL")


def expected(marks: str) -> tuple[float, float]:
    """theta and se from answers to the bank's items from the first on."""
    given = [j for j, mark in enumerate(marks) if mark != "_"]
    n = np.arange(len(given))
    correct = np.array([float(marks[j]) for j in given])
    answers = Responses(("u",), tuple(f"i{j}" for j in given), np.zeros(n.size, np.int64), n, correct)
    thetas = InProcessEstimator().estimate(answers, BANK)
    return thetas.theta.item(), thetas.se.item()


def ago(days: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - days * DAY


def test_the_end_of_a_session_gives_the_ability_from_all_answers_and_stores_it(engine, api):
    adopt(engine)
    end_session(engine, "u1", "s1", "1101", at=ago(0.001))
    end_session(engine, "u1", "s2", "01_1", first=4)
    answer = update(api, "u1", session_id="s2")
    np.testing.assert_allclose([answer["theta"], answer["se"]], expected("110101_1"), atol=1e-12)
    assert (answer["n_items"], answer["n_unusable"], answer["n_unknown_item"]) == (7, 1, 0)
    assert (answer["status"], answer["model"], answer["version"], answer["later"]) == ("ok", "2PL", "b1", None)
    current = stored(engine, "u1")
    assert (current.theta, current.se, current.n_items) == (answer["theta"], answer["se"], 7)
    assert current.as_of == dt.datetime.fromisoformat(answer["as_of"])
    assert current.fitted_at == dt.datetime.fromisoformat(answer["updated_at"])


def test_a_repeat_gives_the_same_number(engine, api):
    adopt(engine)
    end_session(engine, "u1", "s1", "110")
    first, again = update(api, "u1"), update(api, "u1")
    assert (again["theta"], again["se"]) == (first["theta"], first["se"])
    assert again["as_of"] > first["as_of"]


def test_a_request_that_is_sent_again_needs_no_key_to_be_told_from_a_new_one(engine, api):
    """One row stays, with the same number, whether or not the first answer was lost; an Idempotency-Key adds none."""
    adopt(engine)
    end_session(engine, "u1", "s1", "110")
    answers = [
        api.post("/analysis/irt/update-theta", json={"user_id": "u1"}, headers={"Idempotency-Key": "k1"}).json()
        for _ in range(3)
    ]
    assert len({(answer["theta"], answer["se"], answer["n_items"]) for answer in answers}) == 1
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM seedtest_mirt_ability")) == 1


def test_the_look_back_of_the_call_overrides_that_of_the_settings(engine, api):
    adopt(engine)
    end_session(engine, "u1", "old", "1111", at=ago(40))
    end_session(engine, "u1", "new", "00", first=4)
    assert update(api, "u1")["n_items"] == 2
    assert update(api, "u1", lookback_days=41)["n_items"] == 6


@pytest.mark.parametrize(
    ("marks", "first", "reason"),
    [
        ("", 0, "no_attempts"),
        ("___", 0, "no_attempts"),  # all blank: parameters would not help
        ("10", 20, "no_item_parameters"),
        ("_1", 19, "no_item_parameters"),  # what is in the bank was skipped
    ],
)
def test_nothing_to_estimate_from_is_a_noop_with_its_reason_and_leaves_what_was_stored(
    engine, api, marks, first, reason
):
    adopt(engine)
    before = current_abilities.Ability("u1", 0.1, 0.2, 3, "2PL", "b1", ago(9), ago(9))
    with transaction(engine) as connection:
        current_abilities.store(connection.connection.driver_connection, [before])
    end_session(engine, "u1", "s1", marks, first=first)
    answer = update(api, "u1")
    assert (answer["status"], answer["user_id"], answer["reason"]) == ("noop", "u1", reason)
    assert answer["message"]
    assert stored(engine, "u1") == before


def test_without_an_item_bank_who_answered_lacks_parameters_and_who_did_not_lacks_attempts(engine, api):
    end_session(engine, "u1", "s1", "10")
    assert update(api, "u1")["reason"] == "no_item_parameters"
    assert update(api, "u2")["reason"] == "no_attempts"


def test_a_bank_that_is_adopted_later_is_used_at_once(engine, api):
    adopt(engine)
    end_session(engine, "u1", "s1", "10")
    first = update(api, "u1")
    adopt(engine, replace(BANK, version="b2", b=BANK.b + 1))
    second = update(api, "u1")
    assert (first["version"], second["version"]) == ("b1", "b2")
    assert second["theta"] > first["theta"]


def test_where_a_later_estimate_is_stored_the_answer_says_which_is_current(engine, api):
    adopt(engine)
    end_session(engine, "u1", "s1", "10")
    later = current_abilities.Ability("u1", 9.0, 0.5, 1, "2PL", "b1", ago(-1), ago(0))
    with transaction(engine) as connection:
        current_abilities.store(connection.connection.driver_connection, [later])
    answer = update(api, "u1")
    assert answer["theta"] == pytest.approx(expected("10")[0])
    assert (answer["later"]["theta"], answer["later"]["as_of"]) == (9.0, later.as_of.isoformat().replace("+00:00", "Z"))
    assert stored(engine, "u1") == later


def test_a_session_whose_row_never_says_when_it_changed_counts_by_its_answers_own_times(engine, api):
    adopt(engine)
    end_session(engine, "u1", "s1", "11", at=ago(1))
    with transaction(engine) as connection:
        connection.exec_driver_sql("UPDATE exam_results SET updated_at = NULL")
    assert update(api, "u1")["n_items"] == 2


def test_a_question_that_was_passed_over_is_wrong_where_the_rule_says_so_and_one_not_reached_never(engine):
    adopt(engine)
    end_session(engine, "u1", "s1", "1_0_1__")
    updater = Updater(engine, InProcessEstimator())
    for rule, marks, n_unusable in (("missing", "1_0_1__", 4), ("wrong", "10001__", 2)):
        made = updater.update("u1", ScoringRules(omitted=rule))
        np.testing.assert_allclose([made.ability.theta, made.ability.se], expected(marks), atol=1e-12)
        assert made.n_unusable == n_unusable


def test_calls_at_once_and_a_racing_weekly_run_leave_the_newest_estimate(engine, api):
    """Sessions end and are told of in eight threads, while others store estimates as of earlier."""
    adopt(engine)
    end_session(engine, "u1", "s0", "1")

    def ends(n: int) -> float:
        end_session(engine, "u1", f"s{n}", "01"[n % 2], first=n % 20)
        return update(api, "u1")["n_items"]

    def weekly(n: int) -> None:
        with transaction(engine) as connection:
            row = current_abilities.Ability("u1", -5.0, 0.5, 0, "2PL", "b1", ago(0.01 * n), ago(0))
            current_abilities.store(connection.connection.driver_connection, [row])

    with ThreadPoolExecutor(8) as pool:
        runs = [pool.submit(work, n) for n in range(1, 60) for work in (ends, weekly)]
        for run in runs:
            run.result()
    current = stored(engine, "u1")
    whole = Updater(engine, InProcessEstimator()).update("u1", RULES).ability
    assert (current.theta, current.n_items) == (whole.theta, 20)
    assert current.as_of < whole.as_of


def test_the_request_id_reaches_the_database_and_comes_back(engine, api):
    adopt(engine)
    end_session(engine, "u1", "s1", "10")
    answer = api.post("/analysis/irt/update-theta", json={"user_id": "u1"}, headers={"X-Request-ID": "try.1_a-B"})
    assert answer.headers["X-Request-ID"] == "try.1_a-B"
    with engine.connect() as connection:
        names = connection.scalars(
            sa.text("SELECT application_name FROM pg_stat_activity WHERE datname = current_database()")
        )
        assert "seedtest try.1_a-B" in set(names)


@pytest.mark.parametrize("given", ["", "a b", "x" * 55, 'a"b', "é"])
def test_a_request_id_that_could_do_harm_is_replaced(api, given):
    answer = api.get("/users/u1/theta", headers={"X-Request-ID": given.encode()})
    assert len(answer.headers["X-Request-ID"]) == 32


def test_by_the_r_service_it_is_the_same_number_and_the_request_id_is_sent(engine, serve, r_estimator, monkeypatch):
    adopt(engine)
    end_session(engine, "u1", "s1", "1101001")
    sent = []
    send = r_estimator._transport.send
    monkeypatch.setattr(r_estimator._transport, "send", lambda *given: sent.append(given[2]) or send(*given))
    api = serve(estimator=r_estimator)
    answer = api.post("/analysis/irt/update-theta", json={"user_id": "u1"}, headers={"X-Request-ID": "to-r"})
    np.testing.assert_allclose([answer.json()["theta"], answer.json()["se"]], expected("1101001"), atol=1e-9)
    assert sent == ["to-r"]


def test_an_estimator_that_is_down_is_503_and_never_a_noop(engine, serve):
    adopt(engine)
    end_session(engine, "u1", "s1", "10")
    api = serve(r_irt_base_url="http://127.0.0.1:1", api_timeout_secs=6)
    answer = api.post("/analysis/irt/update-theta", json={"user_id": "u1"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["type"] == "/problems/estimator-unavailable"
    assert "127.0.0.1" not in answer.text
    assert stored(engine, "u1") is None


def test_a_failure_that_needs_a_person_is_500_without_its_reason(engine, serve, caplog):
    adopt(engine)
    end_session(engine, "u1", "s1", "10")
    api = serve(irt_bank_version="nosuch")
    answer = api.post("/analysis/irt/update-theta", json={"user_id": "u1"})
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal")
    assert "nosuch" not in answer.text
    failed = next(record for record in caplog.records if record.message == "failed")
    assert failed.request_id == answer.json()["request_id"]
    assert "nosuch" in caplog.text


def test_who_listens_hears_whose_ability_was_stored_and_of_no_other(engine, serve, database_url):
    adopt(engine)
    end_session(engine, "u'1", "s1", "10")
    end_session(engine, "late", "s1", "10")
    later = current_abilities.Ability("late", 1, 1, 1, "2PL", "b1", dt.datetime.now(dt.UTC) + DAY, ago(0))
    with transaction(engine) as connection:
        current_abilities.store(connection.connection.driver_connection, [later])
    url = sa.make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    api = serve(theta_channel="thetas")
    with psycopg.connect(url, autocommit=True) as listener:
        listener.execute("LISTEN thetas")
        for user_id in ("nobody", "late", "u'1"):
            update(api, user_id)
        assert [told.payload for told in listener.notifies(timeout=PATIENCE_S, stop_after=1)] == ["u'1"]
