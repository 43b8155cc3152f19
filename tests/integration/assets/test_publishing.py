"""Publishing with a real template, a real folder and real PostgreSQL: what is made, left alone, named or stopped."""

import datetime as dt
import html
import re
import threading
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from assets.publishing import publisher as publishing
from assets.publishing import report_inputs
from assets.publishing.publisher import Publisher
from docs.sample_learner import BANK, CHANGE, LEVEL, WEEK, given, levels
from resources.answers.counting import counting
from resources.artifacts.folder import FolderStore
from resources.artifacts.ordered_pool import AT_ONCE
from resources.database.engine import transaction
from resources.database.queries import abilities, report_artifacts
from resources.database.queries.abilities import WeekStates
from resources.database.queries.report_artifacts import ReportArtifact
from resources.errors import RetryLater, SeedtestError, StoreRefuses, TemplateBroken
from resources.model import Format, Thetas, safe_key
from resources.reports.document.compile import compile_templates
from resources.reports.document.fill import render
from resources.reports.document.template import Template
from resources.reports.learner.report_input import Standing
from resources.reports.learner.scale import Scale
from tests import answer_tables

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


def quiet(done: int) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def templates(tmp_path_factory) -> dict[Format, Template]:
    source = Path(__file__).parents[3] / "quarto"
    return compile_templates(source, tmp_path_factory.mktemp("templates"), ("html", "pdf"), "en")


@pytest.fixture
def store(tmp_path) -> FolderStore:
    return FolderStore(tmp_path / "artifacts")


@pytest.fixture
def new_publisher(engine, store, templates):
    """A new publisher per run, as each run of the asset makes one."""
    return lambda store=store, *formats: Publisher(
        engine, store, {form: templates[form] for form in formats or ("html",)}, BANK, Scale(), 30
    )


def rows(*user_ids: str, n: int = 6, weeks_ago: int = 0, right: bool | None = None) -> pd.DataFrame:
    """`n` answers of each user on the week's Tuesday, every other one right, or all of them, or none."""
    pairs = [(user, j) for user in user_ids for j in range(n)]
    number = np.array([j for _, j in pairs], dtype=np.int64)
    return pd.DataFrame(
        {
            "user_id": pd.array([user for user, _ in pairs], dtype="str"),
            "item_key": pd.array([BANK.item_keys[j] for j in number], dtype="str"),
            "correct": pd.array(number % 2 == 0 if right is None else [right] * len(pairs), dtype="boolean"),
            "completed_at": pd.Timestamp(WEEK.plus(-weeks_ago).begins_at).as_unit("us")
            + pd.to_timedelta(34 + number * 0.1, unit="h"),
            "response_time_ms": pd.array(number * 1_000, dtype="Int64"),
            "session_id": pd.array(["s"] * len(pairs), dtype="str"),
            "topic_id": pd.array(["Fractions"] * len(pairs), dtype="str"),
            "attempt_no": pd.array([1] * len(pairs), dtype="Int64"),
            "hint_used": pd.array([None] * len(pairs), dtype="boolean"),
        }
    )


def estimated(engine: sa.Engine, *user_ids: str, weeks_ago: int = 0, n_items: int = 12, se: float = 0.4) -> None:
    n = len(user_ids)
    week = WEEK.plus(-weeks_ago)
    none = np.zeros(n, np.int64)
    thetas = Thetas(
        user_ids, np.linspace(-1, 1, n) - weeks_ago / 10, np.full(n, se), none + 6, none, none, (), "2PL", BANK.version
    )
    made = WeekStates(thetas, np.zeros(n), np.ones(n), none + n_items - 6, ["made by hand"] * n)
    with transaction(engine) as connection:
        abilities.store_week(connection, week, made, 30, dt.datetime.now(dt.UTC))


def publish(made: Publisher, users: list[str], *frames: pd.DataFrame) -> Publisher:
    """What the frames hold, of which the first attempts count, as one run of the asset would."""
    given = answer_tables.answers(pd.concat(frames))
    made.publish(WEEK, users, given, given.take(counting(given, "first")), quiet)
    return made


def recorded(engine: sa.Engine) -> dict[str, ReportArtifact]:
    with transaction(engine) as connection:
        return {row.user_id: row for row in report_artifacts.of_week(connection, WEEK) if row.format == "html"}


def read(store: FolderStore, user_id: str) -> str:
    """What the learner reads."""
    page = store.read(f"reports/{WEEK}/{safe_key(user_id)}/weekly_report.html").decode()
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page.partition("<body>")[2])).split())


def test_reports_are_for_those_who_answered_or_were_measured_lately_and_nobody_else(engine, new_publisher):
    estimated(engine, "ada", "gone", weeks_ago=5)
    estimated(engine, "ada", "Bob|1", weeks_ago=4)
    users = [*USERS, "gone", "new"]
    made = publish(new_publisher(), users, rows("cy"))
    assert set(recorded(engine)) == {"ada", "Bob|1", "cy"}
    assert made.written == 3


def test_a_learner_without_answers_this_week_keeps_the_last_level_and_hears_nothing_of_change(
    engine, new_publisher, store
):
    """The report said "+187 … clearly more than chance" of a week in which nothing was answered."""
    estimated(engine, "ada", weeks_ago=2, n_items=40)
    estimated(engine, "ada", weeks_ago=1, n_items=80)
    old = rows("ada", n=20, weeks_ago=6, right=False)
    new = rows("ada", n=40, weeks_ago=1, right=True)[20:]
    publish(new_publisher(), ["ada"], old, new)
    said = read(store, "ada")
    assert "Your level is 390 , give or take 78 points" in said  # theta -1.1, SE .4
    assert "The last that could be measured was in the week of 30 December 2024" in said
    assert "over 4 weeks" not in said
    assert "Change" not in said


def test_repeats_of_old_items_are_no_new_answers_and_make_no_change_tile(engine, new_publisher, store):
    estimated(engine, "ada", weeks_ago=1, n_items=60)
    before = [rows("ada", n=40, weeks_ago=6, right=False)[:20], rows("ada", n=40, weeks_ago=1, right=True)[20:]]
    publish(new_publisher(), ["ada"], *before, rows("ada", n=20, right=True))
    assert "over 4 weeks" not in read(store, "ada")


def test_new_answers_that_carry_a_change_are_told_with_it(engine, new_publisher, store):
    estimated(engine, "ada", n_items=40)
    publish(new_publisher(), ["ada"], rows("ada", n=20, weeks_ago=6, right=False), rows("ada", n=40, right=True)[20:])
    assert "your level has clearly gone up" in read(store, "ada")


@pytest.mark.parametrize(("n", "more"), [(1, "7 more answers"), (7, "1 more answer")])
def test_below_eight_answers_only_how_many_more_there_are_to_the_first_level(engine, new_publisher, store, n, more):
    estimated(engine, *(f"u{number:02}" for number in range(40)), weeks_ago=1)
    estimated(engine, "ada", n_items=n)
    publish(new_publisher(), ["ada"], rows("ada", n=n))
    said = read(store, "ada")
    assert f"{more} until your first level" in said
    assert not re.search("±|Theta|of 100 learners|Week by week", said)


def test_the_percentile_is_among_those_measured_in_the_four_weeks_before(engine, new_publisher, store):
    """Whoever else has this week's estimate already changes nothing: reports do not depend on the order of runs."""
    estimated(engine, "ada", se=0.2)  # theta -1
    estimated(engine, *(f"a{number:02}" for number in range(30)), weeks_ago=4)  # -1.4 to .6
    publish(new_publisher(), ["ada"], rows("ada"))
    before = recorded(engine)["ada"]
    said = read(store, "ada")
    assert "higher than about 20 of 100 learners" in said
    assert "20 (3 to 40), among at least 30 learners" in said
    estimated(engine, *(f"b{number:02}" for number in range(30)))
    estimated(engine, *(f"c{number:02}" for number in range(30)), weeks_ago=5)
    assert publish(new_publisher(), ["ada"], rows("ada")).unchanged == 1
    estimated(engine, *(f"d{number:02}" for number in range(30)), weeks_ago=1)
    assert publish(new_publisher(), ["ada"], rows("ada")).written == 1
    assert recorded(engine)["ada"].inputs_sha256 != before.inputs_sha256


def test_a_past_is_each_learners_own_and_its_level_the_newest_that_is_not_too_old(engine):
    estimated(engine, "Bob|1", "ada", "dee", weeks_ago=2)
    estimated(engine, "Bob|1", "ada", weeks_ago=1)
    estimated(engine, "ada", "cy")
    with transaction(engine) as connection:
        pasts = report_inputs._pasts(abilities.history(connection, [*USERS, "dee"], WEEK), WEEK.plus(-1))
    assert [past.week for past in pasts["ada"].weeks] == [WEEK.plus(-2), WEEK.plus(-1), WEEK]
    assert [past.theta for past in pasts["ada"].weeks] == pytest.approx([-0.2, 0.9, -1.0])
    assert [past.week for past in pasts["cy"].weeks] == [WEEK]
    assert pasts["Bob|1"].level is not None
    assert (pasts["Bob|1"].level.week, pasts["Bob|1"].level.n_items) == (WEEK.plus(-1), 12)
    assert pasts["dee"].level is None
    assert pasts["cy"].level is not None
    assert (pasts["cy"].level.theta, pasts["cy"].level.bank_version) == (1.0, BANK.version)


def test_a_rerun_makes_only_what_changed_or_is_missing(engine, new_publisher, store):
    estimated(engine, *USERS)
    publish(new_publisher(), USERS, rows(*USERS))
    store.delete(f"reports/{WEEK}/cy/weekly_report.html")
    made = new_publisher()
    publish(made, USERS, rows("ada", n=7), rows("Bob|1", "cy"))
    assert (made.written, made.unchanged) == (2, 1)
    assert [link.user_id for link in made.links] == USERS
    row = recorded(engine)["cy"]
    assert store.sha256(f"reports/{WEEK}/cy/weekly_report.html") == row.sha256


def test_whatever_a_report_shows_is_in_its_fingerprint(templates):
    """Or a report that ought to change would be left as it is."""
    report = given()
    answered = report.answers
    changed = {
        "user_id": "another", "week": WEEK.plus(1), "level": replace(LEVEL, theta=0.43), "history": levels(0.1),
        "standing": Standing(40, 30, 50, 200), "change": replace(CHANGE, se=0.3),
        "seen": frozenset({"q1"}), "bank": replace(BANK, version="2025-02"),
        "scale": Scale(500, 50), "as_of": report.as_of + dt.timedelta(seconds=1), "window_days": 31,
    }  # fmt: skip
    of_answers = {
        ids: tuple(f"another {name}" for name in getattr(answered, ids))
        for ids in ("item_keys", "topic_ids", "session_ids")
    }
    of_answers |= {"completed_at": answered.completed_at + np.timedelta64(1, "s")}
    for column in ("correct", "response_time_ms", "attempt_no", "hint_used"):
        of_answers[column] = np.nan_to_num(getattr(answered, column), nan=7.0) + 1
    for place in ("item", "topic", "session"):
        of_answers[place] = np.where(np.arange(len(answered)) == 0, -1, getattr(answered, place))
    assert changed.keys() | {"answers"} == {field.name for field in fields(report)}
    assert of_answers.keys() | {"user", "user_ids"} == {field.name for field in fields(answered)}
    variants = [replace(report, **{name: value}) for name, value in changed.items()]
    variants += [replace(report, answers=replace(answered, **{name: value})) for name, value in of_answers.items()]
    fingerprints = [publishing._fingerprint(templates["html"], each) for each in (report, *variants)]
    assert len(set(fingerprints)) == 1 + len(changed) + len(of_answers)
    assert publishing._fingerprint(templates["pdf"], report) not in fingerprints


def test_a_pdf_in_the_catalogue_does_not_hide_the_recorded_html(engine, new_publisher):
    """It did: with a PDF beside it no report was ever found unchanged, and every run made all of them anew."""
    estimated(engine, "ada")
    publish(new_publisher(), USERS, rows("ada"))
    with transaction(engine) as connection:
        report_artifacts.record(
            connection, [ReportArtifact("ada", WEEK, "pdf", "s3://x", dt.datetime.now(dt.UTC), None)]
        )
    made = new_publisher()
    publish(made, USERS, rows("ada"))
    assert (made.written, made.unchanged) == (0, 1)


def test_a_report_recorded_in_another_store_is_made_in_this_one(engine, new_publisher, store, tmp_path):
    """It was not, once its file had been copied: the row went on to name the place that was given up."""
    publish(new_publisher(), USERS, rows("ada"))
    moved = FolderStore(tmp_path / "moved")
    key = f"reports/{WEEK}/ada/weekly_report.html"
    moved.put(key, store.read(key), "text/html")
    made = new_publisher(moved)
    publish(made, USERS, rows("ada"))
    assert made.written == 1
    assert recorded(engine)["ada"].url == moved.address(key)


def test_each_format_is_a_file_and_a_row_of_its_own(engine, new_publisher, store):
    made = new_publisher(store, "html", "pdf")
    publish(made, USERS, rows("ada"))
    assert sorted(store.keys("reports")) == [f"reports/{WEEK}/ada/weekly_report.{form}" for form in ("html", "pdf")]
    assert [(link.format, link.url.rpartition(".")[2]) for link in made.links] == [("html", "html"), ("pdf", "pdf")]
    assert store.read(f"reports/{WEEK}/ada/weekly_report.pdf").startswith(b"%PDF-1.7")
    store.delete(f"reports/{WEEK}/ada/weekly_report.pdf")
    again = new_publisher(store, "html", "pdf")
    publish(again, USERS, rows("ada"))
    assert (again.written, again.unchanged) == (1, 1)
    assert [link.format for link in again.links] == ["html", "pdf"]


def test_files_are_stored_side_by_side_but_few_at_once_and_links_keep_the_learners_order(
    engine, new_publisher, tmp_path
):
    users = [f"u{number:03}" for number in range(150)]
    slow = SlowStore(tmp_path / "slow")
    rendered_ahead = []

    def watch(template, given):
        rendered_ahead.append(len(rendered_ahead) - len(slow.given))
        assert threading.current_thread() is threading.main_thread()
        return render(template, given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publishing, "render", watch)
        made = new_publisher(slow)
        publish(made, users, rows(*users, n=1))
    assert 1 < slow.most <= AT_ONCE
    assert max(rendered_ahead) <= 2 * AT_ONCE
    assert (made.written, len(slow.given), len(recorded(engine))) == (150, 150, 150)
    assert [link.user_id for link in made.links] == users[: publishing.LINKS]


def test_one_learners_failure_is_named_and_the_others_are_published(engine, new_publisher, store):
    place = store.root / "reports" / WEEK.key / safe_key("Bob|1")
    place.parent.mkdir(parents=True)
    place.write_text("a file where the learner's folder should be")
    made = new_publisher()
    publish(made, USERS, rows(*USERS))
    assert [(failure.user_id, failure.format) for failure in made.failed] == [("Bob|1", "html")]
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
