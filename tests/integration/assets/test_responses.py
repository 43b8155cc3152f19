"""Freezing answers: what a partial run leaves alone, and what two runs over one bucket make of each other."""

import threading

import dagster as dg
import pytest

from assets.abilities import freezing
from assets.partitions import Partitions
from assets.selection import SelectedUsers
from assets.user_keys import UserKeys
from resources.answers.blanks import Counts
from resources.artifacts.folder import FolderStore
from resources.database import locks
from resources.database.engine import transaction
from resources.database.queries.sessions import attempts
from resources.database.schema.tables import exam_results
from resources.warehouse.warehouse import Warehouse
from tests.integration.assets.freezing import FIRST, KEY, answer, frozen, run

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")  # of backfill_policy

ONE_BUCKET = Partitions(FIRST, UserKeys(1))


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(FolderStore(tmp_path / "warehouse"))


def complaint(result: dg.ExecuteInProcessResult) -> str:
    failure = next(event for event in result.all_events if event.is_step_failure)
    return failure.step_failure_data.user_failure_data.description


def test_one_user_of_a_bucket_is_renewed_and_the_others_stay_as_they_were_frozen(engine, warehouse):
    answer(engine, ("u1", "q1"), ("u2", "q1"))
    assert run(engine, warehouse, ONE_BUCKET, [KEY]).success
    answer(engine, ("u1", "q2"), ("u2", "q2"))
    assert run(engine, warehouse, ONE_BUCKET, [KEY], user_ids=["u1"]).success
    assert frozen(warehouse) == [("u1", "q1"), ("u1", "q2"), ("u2", "q1")]


def test_malformed_answers_are_counted_of_the_users_that_the_run_is_for(engine, warehouse):
    broken = {"questions": [{"question_id": "q", "is_correct": "maybe"}, {"question_id": "q2", "is_correct": True}]}
    sessions = [
        {"user_id": user, "session_id": "s", "created_at": FIRST.begins_at, "updated_at": FIRST.begins_at,
         "result_json": broken}
        for user in ("u1", "u2")
    ]  # fmt: skip
    with transaction(engine) as connection:
        connection.execute(exam_results.insert(), sessions)
    for user_ids, n in ((None, 2), (["u1"], 1)):
        result = run(engine, warehouse, ONE_BUCKET, [KEY], user_ids=user_ids)
        of_some = user_ids is not None
        made, observed = (
            result.asset_materializations_for_node("responses"), result.asset_observations_for_node("responses")
        )  # fmt: skip
        assert (len(made), len(observed)) == ((0, 1) if of_some else (1, 0)), "a bucket is green only where it is whole"
        told = (observed if of_some else made)[0].metadata
        assert told["malformed answers left out"].value == n
        assert told["left out, since is_correct is neither true, false nor null"].value == n


def test_blanks_are_counted_by_what_they_mean(engine, warehouse):
    def questions(marks: str) -> list[dict[str, object]]:
        return [{"question_id": f"q{n}", "is_correct": None if mark == "_" else mark == "1"}
                for n, mark in enumerate(marks)]  # fmt: skip

    sessions = [
        {"user_id": f"u{n}", "session_id": "s", "created_at": FIRST.begins_at, "updated_at": FIRST.begins_at,
         "result_json": {"questions": questions(marks)}}
        for n, marks in enumerate(["1_0__", "___", "11"])
    ]  # fmt: skip
    with transaction(engine) as connection:
        connection.execute(exam_results.insert(), sessions)
    made = run(engine, warehouse, ONE_BUCKET, [KEY]).asset_materializations_for_node("responses")[0].metadata
    assert [made[name].value for name in Counts(1, 1, 1).by_name()] == [4, 1, 5]
    assert made["dagster/row_count"].value == 10


def test_one_user_of_a_bucket_that_was_never_frozen_freezes_all_of_it(engine, warehouse):
    answer(engine, ("u1", "q1"), ("u2", "q1"))
    assert run(engine, warehouse, ONE_BUCKET, [KEY], user_ids=["u1"]).success
    assert frozen(warehouse) == [("u1", "q1"), ("u2", "q1")]


@pytest.mark.parametrize(
    ("user_ids", "sentence"),
    [(["u1", "nobody"], "User 'nobody' of the run's user_ids is not in"), ([], "user_ids are empty")],
)
def test_a_user_whom_the_run_names_in_vain_is_an_error_and_not_a_green_run_that_made_nothing(
    engine, warehouse, user_ids, sentence
):
    answer(engine, ("u1", "q1"))
    result = run(engine, warehouse, ONE_BUCKET, [KEY], user_ids=user_ids)
    assert not result.success
    assert sentence in complaint(result)


def test_a_run_that_waited_for_another_freezes_what_is_there_after_the_wait(engine, warehouse):
    """Once two runs over one bucket each read, changed and wrote its file, and the later writer undid the other."""
    answer(engine, ("u1", "q1"))
    freezer = freezing.Freezer(engine, warehouse, ONE_BUCKET.users, SelectedUsers({KEY: ["u1"]}, None))
    waits = threading.Thread(target=freezer.freeze, args=(FIRST, [KEY]))
    with transaction(engine) as connection:
        locks.hold(connection, f"seedtest responses {FIRST}")
        waits.start()
        waits.join(0.5)
        assert waits.is_alive()
        answer(engine, ("u1", "q2"))
    waits.join()
    assert frozen(warehouse) == [("u1", "q1"), ("u1", "q2")]


def test_of_two_runs_that_miss_the_same_answers_the_second_takes_what_the_first_has_frozen(engine, warehouse):
    """Runs of one week side by side each read the answers of everybody, to know how the group moved."""
    answer(engine, ("u1", "q1"))
    freezer = freezing.Freezer(engine, warehouse, ONE_BUCKET.users, SelectedUsers({KEY: ["u1"]}, None))
    second = threading.Thread(target=freezer.freeze_missing, args=(FIRST, [KEY]))
    with transaction(engine) as connection:
        locks.hold(connection, f"seedtest responses {FIRST}")
        second.start()
        second.join(0.5)
        assert second.is_alive()
        freezer._freeze(connection, FIRST, [KEY], ["u1"])
        answer(engine, ("u1", "q2"))
    second.join()
    assert frozen(warehouse) == [("u1", "q1")]


def test_some_learners_after_the_others_are_frozen_as_all_at_once(engine, warehouse, tmp_path, monkeypatch):
    """A week of 100,000 learners took 1 GB."""
    answer(engine, *((f"u{n}", "q1") for n in range(9)))
    keys = UserKeys(4)
    users = SelectedUsers(keys.by_key([f"u{n}" for n in range(9)]), None)
    in_pieces = Warehouse(FolderStore(tmp_path / "in pieces"))
    counts = freezing.Freezer(engine, warehouse, keys, users).freeze(FIRST, keys.fixed)
    monkeypatch.setattr(freezing, "LEARNERS_AT_ONCE", 3)
    assert freezing.Freezer(engine, in_pieces, keys, users).freeze(FIRST, keys.fixed) == counts
    assert counts.total == 9
    assert in_pieces.checksums(FIRST) == warehouse.checksums(FIRST)
    for key in keys.fixed:
        assert frozen(in_pieces, key=key) == frozen(warehouse, key=key)


def test_an_answer_that_comes_while_a_week_is_frozen_is_found_to_be_late(engine, warehouse, monkeypatch):
    """Its week's checksum is of before the reading; one of afterwards would call the file complete for ever."""

    def read_and_meet_another(connection, *given):
        rows = between(connection, *given)
        answer(engine, ("u1", "q2"))
        return rows

    between = attempts.between
    monkeypatch.setattr(attempts, "between", read_and_meet_another)
    answer(engine, ("u1", "q1"))
    users = ONE_BUCKET.users
    freezing.Freezer(engine, warehouse, users, SelectedUsers({KEY: ["u1"]}, None)).freeze(FIRST, [KEY])
    assert frozen(warehouse) == [("u1", "q1")]
    with transaction(engine) as connection:
        of_users = attempts.checksums(connection, FIRST.begins_at, FIRST.ends_at)
    assert warehouse.checksums(FIRST)[KEY] != freezing.checksums_by_key(users, of_users)[KEY]


@pytest.mark.parametrize("buckets", [0, 1], ids=["users", "buckets"])
def test_a_user_who_joins_between_the_roster_and_the_reading_breaks_nothing(engine, warehouse, buckets):
    """Such a user had no partition key, and the week could not be sorted by it."""
    answer(engine, ("u1", "q1"), ("u2", "q1"))
    users = UserKeys(buckets)
    key = users.key_of("u1")
    freezer = freezing.Freezer(engine, warehouse, users, SelectedUsers({key: ["u1"]}, None))
    freezer.freeze(FIRST, [key])
    assert frozen(warehouse, key=key) == ([("u1", "q1"), ("u2", "q1")] if buckets else [("u1", "q1")])


def test_a_run_in_the_middle_of_history_freezes_all_weeks_before_it(engine, warehouse):
    """Whether an attempt is the first ever is known only where every week is there."""
    answer(engine, ("u1", "q1"))
    made = run(engine, warehouse, ONE_BUCKET, [KEY], FIRST.plus(2)).asset_materializations_for_node("responses")
    assert made[0].metadata["earlier weeks frozen, since abilities rest on them"].value == f"{FIRST}, {FIRST.plus(1)}"
    assert frozen(warehouse) == [("u1", "q1")]
    answer(engine, ("u1", "q2"))
    again = run(engine, warehouse, ONE_BUCKET, [KEY], FIRST.plus(2)).asset_materializations_for_node("responses")
    assert again[0].metadata["earlier weeks frozen, since abilities rest on them"].value == "none"
    assert frozen(warehouse) == [("u1", "q1")]  # late answers are the sensor's to find


@pytest.mark.parametrize("buckets", [0, 3], ids=["users", "buckets"])
def test_users_with_odd_ids_are_all_frozen_each_on_their_own(engine, warehouse, buckets):
    odd = ["a|b", "...", " x", "x", "User", "user", "日本", "a,b\nc", "'\"%", "-", "x" * 10_000, "x" * 9_999]
    sessions = [
        {"user_id": user, "session_id": "s", "created_at": FIRST.begins_at, "updated_at": FIRST.begins_at,
         "result_json": {"questions": [{"question_id": f"q{n}", "is_correct": True}]}}
        for n, user in enumerate(odd)
    ]  # fmt: skip
    with transaction(engine) as connection:  # as a platform would: ingest refuses some of them
        connection.execute(exam_results.insert(), sessions)
    partitions = Partitions(FIRST, UserKeys(buckets))
    keys = sorted({partitions.users.key_of(user) for user in odd})
    assert run(engine, warehouse, partitions, keys).success
    rows = warehouse.read([FIRST], keys)
    assert dict(zip(rows["user_id"].to_pylist(), rows["item_key"].to_pylist(), strict=True)) == {
        user: f"q{n}" for n, user in enumerate(odd)
    }
