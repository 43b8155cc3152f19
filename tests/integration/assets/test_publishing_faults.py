"""Publishing where something is slow, down or wrong: who is named, what stops, and what is published all the same."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from assets.publishing import report_maker
from assets.publishing.publisher import Publisher
from docs.sample_learner import BANK, WEEK
from resources.artifacts.folder import FolderStore
from resources.artifacts.ordered_pool import AT_ONCE
from resources.database.engine import transaction
from resources.errors import RetryLater, SeedtestError, StoreRefuses, TemplateBroken
from resources.model import safe_key
from resources.reports.document.fill import render
from resources.reports.learner.scale import Scale
from tests.integration.assets.publishing import estimated, publish, recorded, rows

USERS = ["ada", "Bob|1", "cy"]


class StoreThatIsDown(FolderStore):
    fault: SeedtestError

    def put(self, key: str, content: bytes, content_type: str) -> str:
        raise self.fault


class SlowStore(FolderStore):
    """Notes which files it was given, how many of them at once, and which thread asked."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.given: list[str] = []
        self.now = self.most = 0
        self._lock = threading.Lock()

    def put(self, key: str, content: bytes, content_type: str) -> str:
        with self._lock:
            self.given.append(key)
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.02)
        with self._lock:
            self.now -= 1
        return super().put(key, content, content_type)


def test_files_are_stored_side_by_side_but_few_at_once_and_links_keep_the_learners_order(
    engine, new_publisher, tmp_path
):
    users = [f"u{number:03}" for number in range(150)]
    slow = SlowStore(tmp_path / "slow")
    rendered_ahead = []

    def watch(template, given, lost, edition):
        rendered_ahead.append(len(rendered_ahead) - len(slow.given))
        assert threading.current_thread() is threading.main_thread()
        return render(template, given, lost, edition)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_maker, "render", watch)
        made = new_publisher(slow)
        publish(made, users, rows(*users, n=1))
    assert 1 < slow.most <= AT_ONCE
    assert max(rendered_ahead) <= 2 * AT_ONCE
    assert (made.written, len(slow.given), len(recorded(engine))) == (150, 150, 150)
    assert [link.user_id for link in made.links] == users[: report_maker.LINKS]


def test_one_learners_failure_is_named_and_the_others_are_published(engine, new_publisher, store):
    place = store.root / "reports" / WEEK.key / safe_key("Bob|1")
    place.parent.mkdir(parents=True)
    place.write_text("a file where the learner's folder should be")
    made = new_publisher()
    publish(made, USERS, rows(*USERS))
    assert [(failure.user_id, failure.kind) for failure in made.failed] == [("Bob|1", "html")]
    assert set(recorded(engine)) == {"ada", "cy"}


@pytest.mark.parametrize("fault", [RetryLater("It does not answer."), StoreRefuses("There is no such bucket.")])
def test_a_store_that_is_down_stops_the_run_instead_of_failing_every_learner_in_turn(
    engine, new_publisher, tmp_path, fault
):
    down = StoreThatIsDown(tmp_path / "down")
    down.fault = fault
    made = new_publisher(down)
    with pytest.raises(type(fault)):
        publish(made, USERS, rows(*USERS))
    assert made.failed == []
    assert recorded(engine) == {}


def test_a_template_that_cannot_be_filled_stops_the_run_at_the_first_report(engine, store, templates):
    broken = replace(templates["html"], source="<p>{{ nonsense.text }}</p>")
    made = Publisher(engine, store, {"html": broken}, BANK, Scale(), 30)
    with pytest.raises(TemplateBroken, match="nonsense"):
        publish(made, USERS, rows("ada"))
    assert made.failed == []


@pytest.mark.parametrize(("column", "value"), [("theta", "20"), ("theta", "'NaN'"), ("se", "0")])
def test_a_learner_with_an_estimate_that_cannot_be_true_gets_no_report_and_the_others_do(
    engine, new_publisher, column, value
):
    """One theta of 20 in an old week stopped the next weeks for everybody."""
    for weeks_ago in (1, 0):
        estimated(engine, "ada", "bob", weeks_ago=weeks_ago)
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            f"UPDATE theta_estimates SET {column} = {value} "  # noqa: S608 - of this test
            f"WHERE user_id = 'ada' AND week_start = '{WEEK.plus(-1)}'"
        )
    made = publish(new_publisher(), ["ada", "bob"], rows("ada", "bob"))
    assert list(recorded(engine)) == ["bob"]
    assert (made.implausible, made.failed) == ([("ada", WEEK)], [])
