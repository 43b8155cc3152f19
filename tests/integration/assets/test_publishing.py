"""Publishing with a real template, a real folder and real PostgreSQL: what is made, left alone, named or stopped."""

import datetime as dt
import re
from dataclasses import fields, replace
from types import MappingProxyType

import numpy as np
import pytest
import sqlalchemy as sa

from assets.publishing import report_inputs
from assets.publishing.report_maker import Fingerprint
from docs.sample_learner import BANK, CUTS, GOAL, GROUP, LEVEL, WEEK, given, levels
from resources.artifacts.folder import FolderStore
from resources.artifacts.store import report_key
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities, populations
from resources.database.queries.items import item_details
from resources.database.queries.learners import learner_goals, learner_groups
from resources.database.queries.reports import report_artifacts
from resources.irt.growth.population import Population
from resources.model import Goal, ItemCatalogue, ItemDetails, ReportArtifact
from resources.reports.learner.report_input import Scored, Standing
from resources.reports.learner.scale import Scale
from tests.integration.assets.publishing import estimated, publish, recorded, rows

USERS = ["ada", "Bob|1", "cy"]


def test_reports_are_for_those_who_answered_or_were_measured_lately_and_nobody_else(engine, new_publisher):
    estimated(engine, "ada", "gone", weeks_ago=5)
    estimated(engine, "ada", "Bob|1", weeks_ago=4)
    users = [*USERS, "gone", "new"]
    made = publish(new_publisher(), users, rows("cy"))
    assert set(recorded(engine)) == {"ada", "Bob|1", "cy"}
    assert made.written == 3


def test_a_past_is_each_learners_own_and_its_level_the_newest_that_is_not_too_old(engine):
    estimated(engine, "Bob|1", "ada", "dee", weeks_ago=2)
    estimated(engine, "Bob|1", "ada", weeks_ago=1)
    estimated(engine, "ada", "cy")
    with transaction(engine) as connection:
        pasts = report_inputs._pasts(abilities.history(connection, [*USERS, "dee"], WEEK), WEEK.plus(-1))
    assert [past.week for past in pasts["ada"].weeks] == [WEEK.plus(-2), WEEK.plus(-1), WEEK]
    # From N(0, 1) with an error of .4, as all are: what a later week showed moves the earlier ones by .4² of it.
    assert [past.theta for past in pasts["ada"].weeks] == pytest.approx([-0.2 + 0.16 * 0.74, 0.9 - 0.16, -1.0])
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
    asked: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", note := lambda *call: asked.append(call[2].split()[0]))
    publish(made, USERS, rows("ada", n=7), rows("Bob|1", "cy"))
    sa.event.remove(engine, "before_cursor_execute", note)
    assert (made.written, made.unchanged) == (2, 4)
    assert {"INSERT", "DELETE", "CREATE"}.isdisjoint(asked), "of what is unchanged nothing is recorded"


def test_whatever_a_report_shows_is_in_its_fingerprint(templates):
    """Or a report that ought to change would be left as it is."""
    report = given()
    answered = report.answers
    changed = {
        "user_id": "another", "week": WEEK.plus(1), "level": replace(LEVEL, theta=0.43), "history": levels(0.1),
        "standing": Standing(40, 30, 50, 200), "seen": frozenset({"q1"}), "brief": True,
        "last_answered_at": report.as_of, "bank": replace(BANK, version="2025-02"),
        "scale": Scale(500, 100, cuts=CUTS), "as_of": report.as_of + dt.timedelta(seconds=1), "window_days": 31,
        "items": ItemCatalogue({"i1": ItemDetails("Adding fractions")}), "usual_ms": {"q1": 1.0},
        "goal": GOAL, "group": GROUP, "name": "Ada",
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
    scored = Scored(np.array([1]), np.array([0]), np.array([0.5]), ["A"])
    of_scored = {"item": np.array([2]), "correct": np.array([1]), "weeks_ago": np.array([0.6]), "topics": ["B"]}
    findings = {"change", "change_since_start", "topics"}  # follow from what was scored
    assert changed.keys() | {"answers", "scored"} | findings == {field.name for field in fields(report)}
    assert of_scored.keys() == {field.name for field in fields(scored)}
    assert of_answers.keys() | {"user", "user_ids", "omitted"} == {field.name for field in fields(answered)}
    variants = [replace(report, **{name: value}) for name, value in changed.items()]
    variants += [replace(report, answers=replace(answered, **{name: value})) for name, value in of_answers.items()]
    variants += [replace(report, scored=replace(scored, **{name: value})) for name, value in of_scored.items()]
    variants.append(replace(report, scored=scored))
    fingerprints = [Fingerprint(each).of(templates["html"], each) for each in (report, *variants)]
    assert len(set(fingerprints)) == 1 + len(variants)
    assert Fingerprint(report).of(templates["pdf"], report) not in fingerprints
    assert Fingerprint(report).of(templates["html"], report, "teacher") not in fingerprints


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


def test_each_edition_is_a_file_and_a_row_of_its_own_and_goes_with_the_learners(engine, new_publisher, store):
    """A teacher's is whole for an absentee, and knows how long everybody takes."""

    usual = MappingProxyType(dict.fromkeys(BANK.item_keys, 38_000.0))

    def run(*answered, usual_ms=usual):
        made = new_publisher()
        made.editions = ("learner", "teacher")
        return publish(made, ["ada", "cy"], *answered, usual_ms=usual_ms)

    estimated(engine, "ada", "cy", weeks_ago=1, n_items=80)
    answered = rows("ada", n=9)
    assert run(answered).written == 4
    assert sorted(store.keys("reports")) == [
        f"reports/{WEEK}/{user}/weekly_report{edition}.html" for user in ("ada", "cy") for edition in ("", ".teacher")
    ]
    own, teachers = (
        store.read(f"reports/{WEEK}/ada/weekly_report{edition}.html").decode() for edition in ("", ".teacher")
    )
    assert "For the teacher" not in own
    assert "rapid guesses 4 of 9" in teachers, "0 to 3 s of 38"
    absent = store.read(f"reports/{WEEK}/cy/weekly_report.teacher.html").decode()
    assert "Week by week" in absent
    assert run(answered).unchanged == 4
    store.delete(f"reports/{WEEK}/ada/weekly_report.teacher.html")
    again = run(answered)
    assert (again.written, again.unchanged) == (1, 3)
    assert store.read(f"reports/{WEEK}/ada/weekly_report.teacher.html").decode() == teachers
    assert run(answered, usual_ms={}).written == 1, "of cy, whom no time concerns, all stays"
    with transaction(engine) as connection:
        connection.exec_driver_sql("DELETE FROM theta_estimates")
    assert run().withdrawn == 4
    assert list(store.keys("reports")) == []


def test_a_learner_is_called_by_the_name_that_a_group_tells(engine, new_publisher, store):
    estimated(engine, "ada", "cy")
    publish(new_publisher(), ["ada", "cy"], rows("ada", "cy"))
    told = [("4-1", "Ada"), ("3-2", "Ada <L.>")]
    members = [{"group": group, "user_id": "ada", "role": "learner", "name": name} for group, name in told]
    with transaction(engine) as connection:
        learner_groups.store(connection, members, only=False)
    assert publish(new_publisher(), ["ada", "cy"], rows("ada", "cy")).written == 1
    page = store.read(f"reports/{WEEK}/ada/weekly_report.html").decode()
    assert '<span class="name" dir="auto">Ada &lt;L.&gt;</span>' in page, "the first group's"
    assert '<meta name="seedtest:user" content="ada">' in page


def test_a_goal_comes_into_the_report_with_its_chance_once_the_groups_weeks_are_known(engine, new_publisher, store):
    def told() -> str:
        publish(new_publisher(), ["ada", "cy"], answered)
        return store.read(f"reports/{WEEK}/ada/weekly_report.html").decode()

    estimated(engine, "ada", "cy", n_items=40)
    answered = rows("ada", "cy", n=9)
    assert "Your goal" not in told()
    with transaction(engine) as connection:
        learner_goals.store(connection, {"ada": Goal(420, WEEK.plus(3).start)}, only=False)
    assert "How likely that is cannot be told" in told()
    found = Population(drift=0.1, drift_se=0.02, enough=True)
    with transaction(engine) as connection:
        for ago in range(5):
            populations.store(connection, WEEK.plus(-ago), found, 1_000, BANK.version, dt.datetime.now(dt.UTC))
    assert publish(new_publisher(), ["ada", "cy"], answered).written == 1, "of who has no goal, nothing changes"
    # Theta -1 and four days short of three weeks of .1 each, from 400 to 420 and above with an SD of some .45.
    assert re.search(r"expected to be about 42\d, .* is about <strong>5\d%", told())


@pytest.mark.parametrize("form", ["html", "pdf"])
def test_what_is_told_of_items_comes_into_reports_that_stand_already(engine, new_publisher, store, form):
    estimated(engine, "ada")
    assert publish(new_publisher(store, form), ["ada"], rows()).written == 1
    row = {
        "title": "Adding {{ two }} <fractions>",
        "topic": None,
        "url": "https://x.org/1?a=1&b",
        "exam": None,
        "key": None,
    }
    with transaction(engine) as connection:
        item_details.store(connection, [row | {"item_id": key} for key in BANK.item_keys])
    assert publish(new_publisher(store, form), ["ada"], rows()).written == 1
    assert publish(new_publisher(store, form), ["ada"], rows()).unchanged == 1
    if form == "html":
        page = store.root.joinpath(report_key(WEEK, "ada", "html")).read_text()
        name = "Adding &#123;&#123; two }} &lt;fractions&gt;"
        assert f'<a href="https://x.org/1?a=1&amp;b" rel="noopener noreferrer">{name}</a>' in page
