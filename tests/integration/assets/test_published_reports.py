"""What published reports tell a learner of level, change and percentile, with real PostgreSQL."""

import html
import re

import pytest

from docs.sample_learner import WEEK
from resources.artifacts.folder import FolderStore
from resources.model import safe_key
from tests.integration.assets.publishing import estimated, publish, recorded, rows


def read(store: FolderStore, user_id: str) -> str:
    """What the learner reads."""
    page = store.read(f"reports/{WEEK}/{safe_key(user_id)}/weekly_report.html").decode()
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page.partition("<body>")[2])).split())


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
    assert "390 ± 78" in said  # theta -1.1, SE .4
    assert "You last answered on 31 December 2024." in said
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


def test_absentees_get_the_whole_page_or_none_where_that_is_set_and_what_they_had_goes(engine, new_publisher, store):
    estimated(engine, "ada", weeks_ago=1, n_items=80)
    before = rows("ada", n=20, weeks_ago=1)
    whole = new_publisher()
    whole.absentees = "full"
    publish(whole, ["ada"], before)
    assert "The last that could be measured was in the week of 30 December 2024" in read(store, "ada")
    none = new_publisher()
    none.absentees = "none"
    assert publish(none, ["ada"], before).withdrawn == 1
    assert not list(store.keys("reports"))


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
    assert "most likely higher than 3 to 40 of them" in said
    estimated(engine, *(f"b{number:02}" for number in range(30)))
    estimated(engine, *(f"c{number:02}" for number in range(30)), weeks_ago=5)
    assert publish(new_publisher(), ["ada"], rows("ada")).unchanged == 1
    estimated(engine, *(f"d{number:02}" for number in range(30)), weeks_ago=1)
    assert publish(new_publisher(), ["ada"], rows("ada")).written == 1
    assert recorded(engine)["ada"].inputs_sha256 != before.inputs_sha256
