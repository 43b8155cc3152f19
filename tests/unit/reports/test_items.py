"""The map of the week's questions, and what to ask next."""

from dataclasses import replace

import numpy as np
import pytest

from docs.sample_learner import BANK, ENGLISH, LEVEL, answers, given
from resources.irt.response_functions import information_at, probability_at
from resources.model import ItemBank, ItemCatalogue, ItemDetails
from resources.reports.document.link import Link
from resources.reports.learner.report_input import ReportInput
from resources.reports.learner.sections.item_map import GROUND, LEFT, MARK, RIGHT, TALLEST, item_map
from resources.reports.learner.sections.next_items import LEAST, MOST, SHOWN, next_items
from resources.reports.learner.sections.wrong import SHOWN as WRONG_SHOWN
from resources.reports.learner.sections.wrong import wrong

THREE = ItemBank("v", "2PL", ("easy", "hard", "extreme"), np.ones(3), np.array([-1.0, 1.5, 4.0]), np.zeros(3))


def test_a_question_stands_at_its_difficulty_above_the_line_where_it_was_right() -> None:
    shown = item_map(ENGLISH, given(practised=answers([True, False], items=["easy", "hard"]), bank=THREE))
    assert shown is not None
    ((right, above),), ((wrong, below),) = shown.chart.right, shown.chart.wrong
    assert (above, below) == (GROUND - MARK, GROUND + MARK)
    assert (right, wrong) == pytest.approx((LEFT, RIGHT), abs=11)  # from 400 to 650; half a column
    assert shown.words == (
        "This week's questions by difficulty, beside your level of 542 ± 61. "
        "Easier than its margin: 1 of 1 right. Within it: none. Harder: 0 of 1 right."
    )


def test_what_is_not_drawn_where_it_lies_is_told() -> None:
    practised = answers([True, False, True, None], items=["easy", "extreme", "unknown", "hard"])
    shown = item_map(ENGLISH, given(practised=practised, bank=THREE))
    assert shown is not None
    assert (shown.beyond, shown.unplaced, shown.per_mark) == ("1 question", "1 question", "")
    assert [x for x, _ in shown.chart.wrong] == pytest.approx([RIGHT], abs=11)
    assert shown.chart.scores[-1][1] == "800"


def test_in_a_heavy_week_a_mark_stands_for_several_questions_and_the_map_keeps_its_height() -> None:
    n = 2_000
    bank = ItemBank("v", "2PL", tuple(f"i{j}" for j in range(n)), np.ones(n), np.linspace(-1, 1, n), np.zeros(n))
    shown = item_map(ENGLISH, given(practised=answers([True, True, False] * 667, items=bank.item_keys), bank=bank))
    assert shown is not None
    places = [abs(y - GROUND) / MARK for _, y in [*shown.chart.right, *shown.chart.wrong]]
    assert max(places) == TALLEST
    assert int(shown.per_mark) * len(places) >= n


def test_without_a_level_or_a_known_question_there_is_no_map() -> None:
    assert item_map(ENGLISH, given(level=None)) is None
    assert item_map(ENGLISH, given(practised=answers([True], items=["unknown"]))) is None
    assert item_map(ENGLISH, given(practised=answers([None]))) is None


def proposed(week: ReportInput) -> list[str]:
    shown = next_items(ENGLISH, week)
    return [str(row.name) for row in shown.rows] if shown else []


def test_the_questions_to_try_next_have_a_good_chance_and_were_not_answered_lately() -> None:
    """Information alone had proposed questions with a chance of 14 %, and of 93 %."""
    chance = dict(zip(BANK.item_keys, probability_at(BANK.items, LEVEL.theta), strict=True))
    told = dict(zip(BANK.item_keys, information_at(BANK.items, LEVEL.theta), strict=True))
    seen = frozenset(BANK.item_keys[20:22])
    names = proposed(given(practised=answers([True], items=["q18"]), seen=seen, topics=()))
    others = {key for key in BANK.item_keys if LEAST <= chance[key] <= MOST} - seen - {"q18"} - set(names)
    assert len(names) == SHOWN
    assert all(LEAST <= chance[name] <= MOST for name in names)
    assert min(told[name] for name in names) >= max(told[name] for name in others)


def test_questions_of_weak_topics_come_first_even_where_they_tell_less() -> None:
    of = dict.fromkeys(("q16", "q17"), "Fractions")
    bank = replace(BANK, topics=of)
    assert proposed(given(bank=bank, topics=()))[:2] != ["q17", "q16"]
    week = given(bank=bank)
    assert proposed(week)[:2] == ["q17", "q16"]
    shown = next_items(ENGLISH, week)
    assert shown is not None
    assert shown.weak
    by_file = ItemCatalogue({"q16": ItemDetails(topic="Sets")})
    assert proposed(replace(week, items=by_file))[:2] != ["q17", "q16"]  # what the file says of an item goes before


def test_the_margin_expected_next_is_that_of_their_information() -> None:
    alone = ItemBank("v", "2PL", ("q",), np.array([2.0]), np.zeros(1), np.zeros(1), {"q": "Sets"})
    shown = next_items(ENGLISH, given(level=replace(LEVEL, theta=0.0, se=0.5), practised=answers([]), bank=alone))
    assert shown is not None
    assert (shown.margin, shown.margin_then) == ("98", "88")  # 1 / sqrt(1 / .25 + 2² / 4) = .447, times 1.96
    assert [(row.topic, row.difficulty, row.chance) for row in shown.rows] == [("Sets", "500", "50%")]


def test_with_nothing_left_to_ask_or_nothing_to_gain_nothing_is_proposed() -> None:
    assert next_items(ENGLISH, given(seen=frozenset(BANK.item_keys))) is None
    assert next_items(ENGLISH, given(level=None)) is None
    assert next_items(ENGLISH, given(level=replace(LEVEL, theta=-6.0))) is None  # all too hard
    assert next_items(ENGLISH, given(level=replace(LEVEL, se=0.005))) is None


def test_wrong_questions_are_listed_the_easiest_first_with_day_topic_and_link() -> None:
    practised = answers(
        [False, True, False, None, False], items=["q30", "q1", "q10", "q2", "new"], days=(0, 0, 3, 0, 1)
    )
    link = ItemCatalogue({"q10": ItemDetails("Halves", url="https://x.org/10")})
    shown = wrong(ENGLISH, replace(given(practised=practised), items=link))
    assert shown is not None
    assert [(str(row.item.name), row.item.topic, row.day) for row in shown.rows] == [
        ("Halves", "Fractions", "Thu 9 Jan"), ("q30", "Fractions", "Mon 6 Jan"), ("new", "Fractions", "Tue 7 Jan")
    ]  # fmt: skip
    assert shown.rows[0].item.name == Link("Halves", "https://x.org/10")
    assert (shown.rows[2].item.difficulty, shown.rows[2].item.chance) == ("–", "–")
    assert (shown.more, shown.rated) == ("", True)


def test_wrong_questions_beyond_the_list_are_counted_and_a_repeat_is_no_second_one() -> None:
    many = answers([False] * 40, items=BANK.item_keys[:20])
    shown = wrong(ENGLISH, given(practised=many))
    assert shown is not None
    assert (len(shown.rows), shown.more) == (WRONG_SHOWN, f"{20 - WRONG_SHOWN} questions")
    assert wrong(ENGLISH, given(practised=answers([True, None]))) is None
    unmeasured = wrong(ENGLISH, given(level=None, practised=answers([False])))
    assert unmeasured is not None
    assert not unmeasured.rated
