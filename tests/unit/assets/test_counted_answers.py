"""Which frozen answers count, and what a state made from them is known by, under each rule for omitted questions."""

import numpy as np
import pandas as pd
import pytest

from assets.abilities import fingerprints
from assets.abilities.counted_answers import CountedAnswers
from resources.answers.answers import Answers
from resources.artifacts.folder import FolderStore
from resources.irt.growth.states import Movement
from resources.model import Week
from resources.warehouse.warehouse import Warehouse
from tests import answer_tables

FIRST = Week.parse("2025-01-06")
SECOND = FIRST.plus(1)


@pytest.fixture
def warehouse(tmp_path):
    """Of u in the first week: q1 omitted, q2 not reached, q3 answered, q4 blank, not known which. In the second, all of
    them right."""
    warehouse = Warehouse(FolderStore(tmp_path))
    first = [("q1", None, True), ("q2", None, False), ("q3", False, None), ("q4", None, None)]
    rows = [(item, FIRST, correct, omitted) for item, correct, omitted in first]
    rows += [(item, SECOND, True, None) for item, *_ in first]
    frame = pd.DataFrame(rows, columns=["item_key", "week", "correct", "omitted"])
    frame = frame.assign(
        user_id="u", session_id="s", completed_at=[pd.Timestamp(week.begins_at) for week in frame["week"]],
        correct=frame["correct"].astype("boolean"), omitted=frame["omitted"].astype("boolean"),
    )  # fmt: skip
    for week in (FIRST, SECOND):
        warehouse.write(week, {"k": answer_tables.table(frame[frame["week"] == week])})
    return warehouse


def outcomes(answers: Answers) -> dict[str, float]:
    return {key: value for key, value in zip(answers.keys, answers.correct.tolist(), strict=True) if value == value}


def test_an_omitted_question_was_not_seen_unless_it_counts_as_wrong(warehouse):
    missing, wrong = (CountedAnswers(warehouse, FIRST, "first", rule) for rule in ("missing", "wrong"))
    assert outcomes(missing.of(FIRST, ["k"])[1]) == {"q3": 0.0}
    assert outcomes(missing.of(SECOND, ["k"])[1]) == {"q1": 1.0, "q2": 1.0, "q4": 1.0}
    assert outcomes(wrong.of(FIRST, ["k"])[1]) == {"q1": 0.0, "q3": 0.0}
    assert outcomes(wrong.of(SECOND, ["k"])[1]) == {"q2": 1.0, "q4": 1.0}
    assert outcomes(wrong.of(FIRST, ["k"])[0]) == {"q1": 0.0, "q3": 0.0}  # what was answered, for on demand to know


def test_of_several_weeks_together_the_same_count(warehouse):
    both = Answers.from_table(warehouse.read([FIRST, SECOND], ["k"]))
    found = {rule: outcomes(CountedAnswers(warehouse, FIRST, "first", rule).among(both, FIRST, ["k"]))
             for rule in ("missing", "wrong")}  # fmt: skip
    assert found == {
        "missing": {"q1": 1.0, "q2": 1.0, "q3": 0.0, "q4": 1.0},
        "wrong": {"q1": 0.0, "q2": 1.0, "q3": 0.0, "q4": 1.0},
    }


def test_a_state_is_known_by_what_counted_in_it(warehouse):
    """Alike where both rules count the same; another one where a rule changes what counts."""
    movement = Movement()

    def prints(week: Week) -> list[str]:
        counted = [CountedAnswers(warehouse, FIRST, "first", rule).of(week, ["k"])[1] for rule in ("missing", "wrong")]
        return [fingerprints.of_states([""], movement, answers)[0] for answers in counted]

    assert len(set(prints(FIRST))) == 2
    assert len(set(prints(SECOND))) == 2
    counted = CountedAnswers(warehouse, FIRST, "last", "missing").of(SECOND, ["k"])[1]
    same = CountedAnswers(warehouse, FIRST, "last", "wrong").of(SECOND, ["k"])[1]
    np.testing.assert_array_equal(counted.correct, same.correct)
    assert fingerprints.of_states([""], movement, counted) == fingerprints.of_states([""], movement, same)


def test_a_week_is_known_by_the_rules_and_by_default_as_before_there_were_any():
    movement = Movement()
    rules = [("first", "missing"), ("first", "wrong"), ("last", "missing"), ("all", "missing"), ("last", "wrong")]
    found = [fingerprints.of_week("before", movement, "0123", *each) for each in rules]
    assert len(set(found)) == len(rules)
    assert found[0] == fingerprints._digest("before", fingerprints.of_movement(movement), "0123")


@pytest.mark.parametrize(("again_after", "counts"), [(1, False), (2, False), (3, True), (20, True)])
def test_an_item_that_was_not_answered_for_long_counts_anew_where_that_is_the_rule(tmp_path, again_after, counts):
    """Two whole weeks without it: the third week after it was last answered is the first in which it is new."""
    warehouse = Warehouse(FolderStore(tmp_path))
    last = FIRST.plus(1 + again_after)
    for week in FIRST.through(last):
        rows = [("u", "q", True, pd.Timestamp(week.begins_at))] if week in (FIRST, SECOND, last) else []
        frame = pd.DataFrame(rows, columns=["user_id", "item_key", "correct", "completed_at"])
        warehouse.write(week, {"k": answer_tables.table(frame.astype({"correct": "boolean"}))})
    for anew_weeks, expected in ((2, counts), (0, False)):
        reader = CountedAnswers(warehouse, FIRST, "first", "missing", anew_weeks)
        assert len(reader.of(FIRST, ["k"])[1]) == 1
        assert len(reader.of(SECOND, ["k"])[1]) == 0
        assert len(reader.of(last, ["k"])[1]) == expected
