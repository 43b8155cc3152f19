"""What is due: answers that come late, change or go after their week was frozen, what failed, and what was missed."""

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.partitions import RANGE_END, RANGE_START
from assets.user_keys import UserKeys
from resources.database.engine import transaction
from resources.database.queries.estimates import made_weeks
from resources.database.queries.estimates.made_weeks import MadeWeek
from resources.database.queries.sessions import attempts
from resources.model import Week
from resources.warehouse.warehouse import Warehouse
from seedtest_pipeline.automation import asking, due
from tests.databases import copy_of
from tests.integration.assets.freezing import FIRST, answer
from tests.integration.seedtest_pipeline.seven_weeks import USERS, WEEKS, Deployment, deployment

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")  # of backfill_policy


@pytest.fixture(autouse=True)
def last_week(monkeypatch):
    """Whatever the day is."""
    monkeypatch.setattr(Week, "last_complete", lambda now: WEEKS[-1])


@pytest.fixture
def unmade(database_url, tmp_path, request):
    with deployment(database_url, tmp_path / "warehouse", getattr(request, "param", 4)) as unmade:
        unmade.load()
        yield unmade


@pytest.fixture(scope="module", params=[0, 4], ids=["users", "buckets"])
def made(migrated_url, tmp_path_factory, request) -> Iterator[tuple[str, Path, int]]:
    """Database, warehouse and buckets of a deployment whose weeks are made: to copy."""
    folder = tmp_path_factory.mktemp("made") / "warehouse"
    with copy_of(migrated_url) as url:
        with deployment(url, folder, request.param) as made:
            made.load()
            made.make()
        yield url, folder, request.param


@pytest.fixture
def deployed(made, tmp_path):
    url, folder, buckets = made
    shutil.copytree(folder, tmp_path / "warehouse")
    with copy_of(url) as copied, deployment(copied, tmp_path / "warehouse", buckets) as deployed:
        yield deployed


def corners(request: dg.RunRequest) -> tuple[str, str]:
    return request.tags[RANGE_START], request.tags[RANGE_END]


def test_where_everything_is_made_nothing_is_asked_for_and_what_is_in_the_sessions_is_read_once(deployed, monkeypatch):
    """It was read at each tick: 10 s and 13 CPU s every 5 minutes at 100,000 learners with nothing late."""
    assert deployed.tick() == []
    assert deployed.said == f"Nothing is due from {FIRST} on."

    def read(*_: object) -> dict[str, int]:
        raise AssertionError("sessions were read although none was written since")

    monkeypatch.setattr(attempts, "checksums", read)
    assert deployed.tick() == []
    assert deployed.said == f"Nothing is due from {WEEKS[-1].plus(-5)} on.", "the look-back, at all ticks but one a day"


@pytest.mark.parametrize("seen", [False, True], ids=["before the first look", "after a look"])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            "INSERT INTO exam_results (user_id, session_id, result_json, created_at, updated_at) "
            "SELECT user_id, 'late', result_json, created_at, updated_at FROM exam_results "
            "WHERE user_id = 'u2' AND session_id LIKE '%-2025-01-27'",
            id="a session that came late, with times as old as the others",
        ),
        pytest.param(
            "UPDATE exam_results SET result_json = replace(result_json::text, 'true', 'null')::jsonb "
            "WHERE user_id = 'u2' AND session_id LIKE '%-2025-01-27'",
            id="a correction that changes neither count nor time",
        ),
        pytest.param(
            "DELETE FROM exam_results WHERE user_id = 'u2' AND session_id LIKE '%-2025-01-27'",
            id="a session that was taken back",
        ),
    ],
)
def test_what_changed_is_asked_for_with_all_later_weeks_that_rest_on_it_and_no_other_key(deployed, change, seen):
    assert not seen or deployed.tick() == []
    deployed.change(change.replace("%", "%%"))
    (request,) = deployed.tick()
    key = deployed.key("u2")
    assert corners(request) == (f"{key}|2025-01-27", f"{key}|{WEEKS[-1]}")
    assert deployed.tick()[0].run_key == request.run_key, "Dagster would launch a second run of the same state"
    deployed.make(FIRST.plus(3))
    assert deployed.tick() == []


def test_of_what_changed_only_the_keys_concerned_are_read_again(deployed, monkeypatch):
    deployed.tick()
    answer(deployed.engine, ("u2", "late"), week=WEEKS[-1])
    read = []
    checksums = attempts.checksums
    monkeypatch.setattr(attempts, "checksums", lambda *of: read.append(of[3]) or checksums(*of))
    assert len(deployed.tick()) == 1
    assert read == [[user for user in USERS if deployed.key(user) == deployed.key("u2")]]


def test_rows_that_were_written_anew_with_the_same_in_them_are_not_late(deployed):
    """As by a restored backup, or by a platform that touches its rows."""
    deployed.tick()
    deployed.change("UPDATE exam_results SET status = status")
    assert deployed.tick() == []


def test_another_partition_scheme_has_its_own_memory(deployed):
    deployed.tick()
    other = Deployment(deployed.engine, Warehouse(deployed.warehouse.files, "other"), deployed.instance, 3)
    other.make()
    assert other.tick() == []
    deployed.cursor = None
    assert deployed.tick() == []


def test_a_change_of_long_ago_is_found_on_the_same_day_next(deployed):
    deployed.tick()
    answer(deployed.engine, ("u3", "late"), week=FIRST)
    assert deployed.tick() == []
    deployed.cursor = "2025-01-01"
    assert corners(*deployed.tick()) == (f"{deployed.key('u3')}|{FIRST}", f"{deployed.key('u3')}|{WEEKS[-1]}")


def test_a_key_that_is_due_in_several_weeks_is_asked_for_once(deployed):
    answer(deployed.engine, ("u3", "late"), week=WEEKS[-2])
    answer(deployed.engine, ("u3", "late"), week=WEEKS[-1])
    assert corners(*deployed.tick()) == (f"{deployed.key('u3')}|{WEEKS[-2]}", f"{deployed.key('u3')}|{WEEKS[-1]}")


def test_a_user_who_joins_after_a_week_was_made_gets_that_week_too(deployed):
    answer(deployed.engine, ("u9", "q1"), week=WEEKS[-1])
    if not deployed.partitions.users.buckets:
        assert deployed.tick() == [], "the key comes first, from the sensor user_keys"
        deployed.instance.add_dynamic_partitions("user", ["u9"])
    assert corners(*deployed.tick()) == (f"{deployed.key('u9')}|{WEEKS[-1]}", f"{deployed.key('u9')}|{WEEKS[-1]}")


@pytest.mark.parametrize("unmade", [1], indirect=True, ids=["one bucket"])
def test_one_user_run_by_hand_leaves_the_others_of_the_bucket_late(unmade):
    unmade.make()
    answer(unmade.engine, ("u1", "late"), ("u2", "late"), week=WEEKS[-1])
    unmade.freeze(WEEKS[-1], user_ids=["u1"])
    assert len(unmade.tick()) == 1
    unmade.make(WEEKS[-1])
    assert unmade.tick() == []


def test_nothing_is_asked_for_while_a_run_is_under_way(deployed):
    answer(deployed.engine, ("u1", "late"), week=WEEKS[-1])

    @dg.job
    def another() -> None:
        """Whatever."""

    deployed.instance.create_run_for_job(another, status=dg.DagsterRunStatus.STARTED)
    assert deployed.tick() == []
    assert "under way" in deployed.said


@pytest.mark.parametrize("unmade", [0], indirect=True, ids=["users"])
def test_a_single_user_run_by_hand_does_not_set_off_the_whole_week_for_everybody(unmade, monkeypatch):
    """Nor do the answers of all others, which are frozen to know how the group moved."""
    monkeypatch.setattr(Week, "last_complete", lambda now: WEEKS[-1].plus(1))
    unmade.make(WEEKS[-1].plus(1))
    unmade.freeze(WEEKS[-1])
    with transaction(unmade.engine) as connection:
        one = {"u1": MadeWeek(unmade.warehouse.checksums(WEEKS[-1])["u1"], "made")}
        made_weeks.record(connection, WEEKS[-1], one)
    assert unmade.tick() == []


def test_what_failed_after_the_answers_were_frozen_is_asked_for_again(deployed):
    """Of a week whose answers were frozen and whose abilities failed no sensor knew: it looked at the answers alone."""
    deployed.change(
        "DELETE FROM ability_weeks WHERE user_key = %(key)s AND week_start = %(week)s",
        key=deployed.key("u2"), week=WEEKS[-2].start,
    )  # fmt: skip
    (request,) = deployed.tick()
    assert corners(request) == (f"{deployed.key('u2')}|{WEEKS[-2]}", f"{deployed.key('u2')}|{WEEKS[-1]}")


def test_a_report_that_is_missing_is_asked_for_again(deployed):
    deployed.change(
        "INSERT INTO theta_estimates (user_id, week_start, theta, se, n_items, n_unknown_item, n_unusable, model, "
        "version, window_days, as_of, fitted_at) "
        "VALUES ('u2', %(week)s, 0, 1, 1, 0, 0, '2PL', 'b1', 30, now(), now())",
        week=WEEKS[-1].start,
    )
    assert corners(*deployed.tick()) == (f"{deployed.key('u2')}|{WEEKS[-1]}", f"{deployed.key('u2')}|{WEEKS[-1]}")
    deployed.change(
        "INSERT INTO report_artifacts (user_id, week_start, format, url, generated_at) "
        "VALUES ('u2', %(week)s, 'html', 'file:///r', now())",
        week=WEEKS[-1].start,
    )
    assert deployed.tick() == []


def test_what_always_fails_is_asked_for_three_times_and_then_left_to_a_person(deployed, monkeypatch):
    monkeypatch.setattr(asking, "WAITS", (dt.timedelta(0),) * 3)
    answer(deployed.engine, ("u1", "late"), week=WEEKS[-1])
    run_keys = set()
    for n in range(3):
        (request,) = deployed.tick()
        run_keys.add(request.run_key)
        failed = dg.DagsterRun("weekly", str(n), status=dg.DagsterRunStatus.FAILURE, tags=dict(request.tags))
        deployed.instance.add_run(failed)
    assert len(run_keys) == 3
    assert deployed.tick() == []
    assert "asked for 3 times, and still due" in deployed.said
    answer(deployed.engine, ("u1", "later still"), week=WEEKS[-1])
    assert len(deployed.tick()) == 1, "another state: what was the matter may have gone"


def test_last_week_is_asked_for_where_the_schedule_missed_it_and_no_week_before_that_nobody_made(unmade, monkeypatch):
    """A week of two years ago, run by hand, must not set off a hundred weeks after it."""
    unmade.make(*WEEKS[:4])
    (request,) = unmade.tick()
    assert {corner.split("|")[1] for corner in corners(request)} == {WEEKS[-1].key}
    unmade.make(*WEEKS[4:])
    assert unmade.tick() == []
    answer(unmade.engine, *((user, "q1") for user in USERS), week=Week.containing(dt.datetime.now(dt.UTC)))
    monkeypatch.setattr(Week, "last_complete", Week.containing)  # its Monday is still to come
    assert unmade.tick() == [], "the schedule comes first"


def test_without_an_item_bank_it_says_so_and_asks_for_nothing(unmade):
    unmade.make(*WEEKS[:5])
    unmade.change("UPDATE mirt_fit_meta SET adopted_at = NULL")
    assert unmade.tick() == []
    assert "seedtest calibrate" in unmade.said


def test_keys_far_apart_are_one_run_per_part_of_the_learners(deployed, monkeypatch):
    monkeypatch.setattr("seedtest_pipeline.automation.schedule.LEARNERS_PER_RUN", 2)
    if deployed.partitions.users.buckets:
        return
    answer(deployed.engine, ("u1", "late"), ("u2", "late"), ("u4", "late"), week=WEEKS[-1])
    assert [corners(request) for request in deployed.tick()] == [
        (f"u1|{WEEKS[-1]}", f"u2|{WEEKS[-1]}"), (f"u4|{WEEKS[-1]}", f"u4|{WEEKS[-1]}"),
    ]  # fmt: skip


def test_sessions_that_span_weeks_or_have_no_end_belong_to_all_of_them(engine):
    keys = UserKeys(4)
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO exam_results (user_id, session_id, result_json, created_at, updated_at) VALUES "
            "('u1', 'a', '{}', '2025-01-12', '2025-01-22'), ('u2', 'b', '{}', '2025-01-14', NULL), "
            "('u3', 'c', '{}', NULL, '2025-01-20'), ('u4', 'd', '{}', '-infinity', 'infinity'), "
            "('u5', 'e', '{}', '2025-01-21', '2025-01-07'), ('u6', 'f', '{}', NULL, NULL)"
        )
    for _ in range(2):  # the second time from what was stored
        found = dict(due.Sessions(engine, keys).checksums(WEEKS[0], WEEKS[3]))
        for week in WEEKS[:4]:
            with transaction(engine) as connection:
                expected = due.checksums_by_key(keys, attempts.checksums(connection, week.begins_at, week.ends_at))
            assert found[week] == expected
        assert len(found[WEEKS[0]]) > 1
