"""Reports follow the history that they tell: in whatever order weeks are made, and whatever is corrected afterwards."""

import itertools
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from assets.publishing import retention
from assets.publishing.outdated_reports import outdated
from assets.publishing.publisher import Publisher
from assets.selection import Selection
from docs.sample_learner import BANK
from resources.artifacts.folder import FolderStore
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities, current_abilities
from resources.estimators.in_process import InProcessEstimator
from resources.model import Thetas, Week
from tests.integration.assets.small_exam import FIRST, KEYS, USERS, WEEKS, flip, quiet, run

New = Callable[[], Publisher]


def pages(store: FolderStore, *user_ids: str) -> dict[str, bytes]:
    return {key: store.read(key) for key in store.keys("reports") if not user_ids or key.split("/")[2] in user_ids}


def forget(engine: sa.Engine, folder: Path) -> None:
    """All but how the group moved, which a correction does not change."""
    for name in ("warehouse", "artifacts"):
        shutil.rmtree(folder / name, ignore_errors=True)
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "TRUNCATE theta_estimates, seedtest_mirt_ability, ability_weeks, answered_items, seedtest_report_artifacts"
        )


def forget_all(engine: sa.Engine, folder: Path) -> None:
    forget(engine, folder)
    with transaction(engine) as connection:
        connection.exec_driver_sql("TRUNCATE population")


def stale(engine: sa.Engine) -> list[Week]:
    return outdated(engine, Selection(dict.fromkeys(WEEKS, KEYS.fixed)), FIRST).weeks


@pytest.fixture
def ordered(platform: sa.Engine, tmp_path: Path, store: FolderStore, new_publisher: New) -> dict[str, bytes]:
    """The files of a run for each week in order; then everything is as before."""
    for week in WEEKS:
        run(platform, tmp_path, new_publisher(), week)
    made = pages(store)
    assert len(made) == len(USERS) * len(WEEKS), "u1 has a level in the second week"
    forget_all(platform, tmp_path)
    return made


def test_weeks_in_any_order_give_the_files_of_an_ordered_run(platform, tmp_path, store, new_publisher, ordered):
    for order in ([2, 0, 1, 3], [3, 2, 1, 0]):
        for n in order:
            run(platform, tmp_path, new_publisher(), WEEKS[n])
        assert pages(store) == ordered
        assert stale(platform) == []
        forget_all(platform, tmp_path)


def test_runs_at_once_give_the_files_of_an_ordered_run(platform, tmp_path, store, new_publisher, ordered):
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(run, platform, tmp_path, new_publisher(), week, keys=(key,))
            for week, key in itertools.product(reversed(WEEKS), KEYS.fixed)
        ]
        for job in jobs:
            job.result()
    assert pages(store) == ordered
    assert stale(platform) == []


def test_a_corrected_answer_of_an_old_week_reaches_the_reports_of_all_later_weeks_in_that_weeks_run(
    platform, tmp_path, store, new_publisher
):
    """Weeks 2 to 4 kept the old point in their trend, and nothing ever asked for them."""
    run(platform, tmp_path, new_publisher(), *WEEKS)
    before = pages(store)
    flip(platform, "u3-0")
    again = run(platform, tmp_path, new_publisher(), FIRST)
    corrected = pages(store)
    assert stale(platform) == []
    assert {key for key in before if corrected[key] != before[key]} >= {key for key in before if "/u3/" in key}
    assert again.published == len(USERS) + 3 * len([user for user in USERS if KEYS.key_of(user) == KEYS.key_of("u3")])

    forget(platform, tmp_path)
    for week in WEEKS:
        run(platform, tmp_path, new_publisher(), week)
    assert pages(store, "u3") == {key: page for key, page in corrected.items() if "/u3/" in key}


def test_where_nothing_changed_no_other_week_is_looked_at(platform, tmp_path, store, new_publisher):
    run(platform, tmp_path, new_publisher(), *WEEKS)
    made = pages(store)
    again = run(platform, tmp_path, new_publisher(), FIRST)
    assert (again.written, again.unchanged, again.withdrawn) == (0, len(USERS), 0)
    assert pages(store) == made


def test_states_of_later_weeks_follow_in_the_run_of_an_earlier_one(platform, tmp_path, new_publisher):
    run(platform, tmp_path, new_publisher(), *WEEKS)
    flip(platform, "u3-0")
    run(platform, tmp_path, new_publisher(), FIRST)
    with transaction(platform) as connection:
        made = abilities.history(connection, USERS, WEEKS[-1]).drop(columns="fitted_at")
    forget(platform, tmp_path)
    run(platform, tmp_path, new_publisher(), *WEEKS)
    with transaction(platform) as connection:
        fresh = abilities.history(connection, USERS, WEEKS[-1]).drop(columns="fitted_at")
    np.testing.assert_allclose(made["theta"], fresh["theta"], atol=1e-9)
    assert made["fingerprint"].tolist() == fresh["fingerprint"].tolist()


class _Meanwhile(InProcessEstimator):
    """While the first estimates are under way, something else happens."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens: Callable[[], object] | None = happens

    def estimate(self, *args: object, **how: object) -> Thetas:
        happens, self._happens = self._happens, None
        if happens:
            happens()
        return super().estimate(*args, **how)


class _StoredMeanwhile(FolderStore):
    """The same before the first file is stored, of a report that was made before."""

    happens: Callable[[], object] | None = None

    def put(self, key: str, content: bytes, content_type: str) -> str:
        happens, self.happens = self.happens, None
        if happens:
            happens()
        return super().put(key, content, content_type)


@pytest.mark.parametrize("while_it", ["estimates", "stores"])
def test_an_old_week_that_is_corrected_while_a_later_one_is_made_reaches_it(
    platform, tmp_path, store, new_publisher, while_it
):
    """The later run began from the old states, and the other ended before there was anything of the later week."""
    run(platform, tmp_path, new_publisher(), *WEEKS[:2])
    flip(platform, "u3-0")

    def correct() -> None:
        run(platform, tmp_path, new_publisher(), FIRST)

    if while_it == "estimates":
        run(platform, tmp_path, new_publisher(), WEEKS[2], estimator=_Meanwhile(correct))
    else:
        slow = _StoredMeanwhile(tmp_path / "artifacts")
        slow.happens = correct
        run(platform, tmp_path, new_publisher(slow), WEEKS[2])
    met = pages(store, "u3")
    assert stale(platform) == []
    forget(platform, tmp_path)
    run(platform, tmp_path, new_publisher(), *WEEKS[:3])
    assert met == pages(store, "u3")


def test_a_report_that_fails_stays_out_of_date_and_the_next_run_tries_again(platform, tmp_path, store, new_publisher):
    run(platform, tmp_path, new_publisher(), *WEEKS)
    flip(platform, "u3-0")
    broken = new_publisher()
    broken.store = _Full(tmp_path / "artifacts", f"reports/{WEEKS[2]}/u3/")
    with pytest.raises(AssertionError):
        run(platform, tmp_path, broken, FIRST)
    assert [(failure.user_id, failure.week) for failure in broken.failed] == [("u3", WEEKS[2])]
    assert stale(platform) == [WEEKS[2]]
    run(platform, tmp_path, new_publisher(), WEEKS[3])
    assert stale(platform) == []


class _Full(FolderStore):
    def __init__(self, root: Path, prefix: str) -> None:
        super().__init__(root)
        self._prefix = prefix

    def put(self, key: str, content: bytes, content_type: str) -> str:
        if key.startswith(self._prefix):
            raise OSError("no space left")
        return super().put(key, content, content_type)


def test_reports_of_a_week_that_was_pruned_do_not_come_back(platform, tmp_path, store, new_publisher):
    run(platform, tmp_path, new_publisher(), *WEEKS)
    for old in retention.outdated(platform, store, WEEKS[1].ends_at.date()):
        retention.remove(platform, store, old, quiet)
    flip(platform, "u3-0")
    run(platform, tmp_path, new_publisher(), WEEKS[3])
    run(platform, tmp_path, new_publisher(), FIRST)
    assert {key.split("/")[1] for key in pages(store)} == {week.key for week in (FIRST, *WEEKS[2:])}


def test_a_week_without_any_answer_left_has_no_estimate_and_no_report(platform, tmp_path, store, new_publisher):
    """All of u3's answers of the last week are taken back, and those of u4's first: what is left speaks for itself."""
    run(platform, tmp_path, new_publisher(), *WEEKS)
    with transaction(platform) as connection:
        connection.exec_driver_sql("DELETE FROM exam_results WHERE session_id IN ('u3-3', 'u4-0')")
    made = run(platform, tmp_path, new_publisher(), *WEEKS)
    with transaction(platform) as connection:
        found = abilities.history(connection, ["u3", "u4"], WEEKS[-1])
        current = current_abilities.current(connection, "u3", BANK.version, BANK.model)
    weeks = {(row.user_id, row.week_start) for row in found.itertuples()}
    assert weeks == {("u3", w.start) for w in WEEKS[:3]} | {("u4", w.start) for w in WEEKS[1:]}
    last = found[found["user_id"] == "u3"].iloc[-1]
    assert (current.theta, current.as_of) == (last["theta"], WEEKS[2].ends_at)
    assert made.withdrawn == 1
    assert f"reports/{FIRST}/u4/weekly_report.html" not in pages(store)
    assert f"reports/{WEEKS[3]}/u3/weekly_report.html" in pages(store), "the level of the week before is still shown"


def test_who_takes_back_the_only_answers_has_no_current_ability(platform, tmp_path, new_publisher):
    with transaction(platform) as connection:
        connection.exec_driver_sql("DELETE FROM exam_results WHERE session_id IN ('u4-1', 'u4-2', 'u4-3')")
    run(platform, tmp_path, new_publisher(), *WEEKS)
    with transaction(platform) as connection:
        assert current_abilities.current(connection, "u4", BANK.version, BANK.model)
        connection.exec_driver_sql(
            "UPDATE exam_results SET created_at = '2025-03-03', updated_at = '2025-03-03', result_json = '{}' "
            "WHERE session_id = 'u4-0'"
        )
    run(platform, tmp_path, new_publisher(), FIRST)
    with transaction(platform) as connection:
        assert current_abilities.current(connection, "u4", BANK.version, BANK.model) is None
        assert abilities.history(connection, ["u4"], WEEKS[-1]).empty
