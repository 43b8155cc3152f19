"""The map of the week's questions, and what to ask next."""

from dataclasses import replace

import numpy as np
import pytest

from docs.sample_learner import BANK, ENGLISH, LEVEL, answers, given
from resources.irt.response_functions import information_at
from resources.model import ItemBank
from resources.reports.learner.sections.item_map import GROUND, LEFT, MARK, RIGHT, TALLEST, item_map
from resources.reports.learner.sections.next_items import SHOWN, next_items

THREE = ItemBank("v", "2PL", ("easy", "hard", "extreme"), np.ones(3), np.array([-1.0, 1.5, 4.0]), np.zeros(3))


def test_a_question_stands_at_its_difficulty_above_the_line_where_it_was_right() -> None:
    shown = item_map(ENGLISH, given(practised=answers([True, False], items=["easy", "hard"]), bank=THREE))
    assert shown is not None
    ((right, above),), ((wrong, below),) = shown.chart.right, shown.chart.wrong
    assert (above, below) == (GROUND - MARK, GROUND + MARK)
    assert (right, wrong) == pytest.approx((LEFT, RIGHT), abs=11)  # from 400 to 650; half a column
    assert "Right: 1 question, 400 to 400. Wrong: 1 question, 650 to 650." in shown.words


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


def test_the_questions_to_try_next_tell_most_and_were_not_answered_lately() -> None:
    seen = frozenset(BANK.item_keys[20:30])
    shown = next_items(ENGLISH, given(practised=answers([True], items=["q31"]), seen=seen))
    assert shown is not None
    told = dict(zip(BANK.item_keys, information_at(BANK.items, LEVEL.theta), strict=True))
    names = [row.name for row in shown.rows]
    others = set(BANK.item_keys) - seen - {"q31"} - set(names)
    assert len(names) == SHOWN
    assert min(told[name] for name in names) >= max(told[name] for name in others)
    assert names == sorted(names, key=lambda name: -told[name])


def test_the_margin_expected_next_is_that_of_their_information() -> None:
    alone = ItemBank("v", "2PL", ("q",), np.array([2.0]), np.zeros(1), np.zeros(1))
    shown = next_items(ENGLISH, given(level=replace(LEVEL, theta=0.0, se=0.5), practised=answers([]), bank=alone))
    assert shown is not None
    assert (shown.margin, shown.margin_then) == ("98", "88")  # 1 / sqrt(1 / .25 + 2² / 4) = .447, times 1.96
    assert [(row.topic, row.difficulty, row.chance) for row in shown.rows] == [("–", "500", "50%")]
    known = replace(alone, topics={"q": "Sets"})
    shown = next_items(ENGLISH, given(practised=answers([]), bank=known))
    assert shown is not None
    assert shown.rows[0].topic == "Sets"


def test_with_nothing_left_to_ask_nothing_is_proposed() -> None:
    assert next_items(ENGLISH, given(seen=frozenset(BANK.item_keys))) is None
    assert next_items(ENGLISH, given(level=None)) is None
