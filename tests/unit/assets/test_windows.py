"""The windows of a run: some learners at a time, and all together just what one read would give."""

import numpy as np
import pandas as pd
import pytest

from assets.abilities import windows as module
from assets.abilities.scoring import ScoringRules
from assets.abilities.windows import windows
from assets.selection import SelectedUsers, Selection
from resources.answers.answers import Answers
from resources.artifacts.folder import FolderStore
from resources.model import Week
from resources.warehouse.warehouse import Warehouse
from tests import answer_tables

FIRST = Week.parse("2025-01-06")
WEEKS = [FIRST.plus(n) for n in range(6)]
BY_KEY = {"a": ["a1"], "b": ["b1", "b2", "b3"], "c": ["c1"], "d": ["d1"], "e": []}


@pytest.fixture
def warehouse(tmp_path):
    made = Warehouse(FolderStore(tmp_path))
    for n, week in enumerate(WEEKS):
        rows = [(user, f"q{n}", week.begins_at, key) for key, users in BY_KEY.items() for user in users]
        frame = pd.DataFrame(rows, columns=["user_id", "item_key", "completed_at", "user_key"])
        made.write(week, {key: answer_tables.table(frame[frame["user_key"] == key]) for key in BY_KEY})
    return made


def answered(answers: Answers) -> list[tuple[str, str]]:
    return sorted(zip((answers.user_ids[u] for u in answers.user), answers.keys, strict=True))


def found(chosen, users, warehouse):
    return [
        (window.week, window.learners, answered(window.answers))
        for window in windows(chosen, users, ScoringRules(), FIRST, warehouse)
    ]


def test_some_learners_at_a_time_get_what_all_at_once_would(warehouse, monkeypatch):
    chosen, users = (
        Selection(
            {week: sorted(BY_KEY) for week in WEEKS[2:]},
        ),
        SelectedUsers(BY_KEY, None),
    )
    together = found(chosen, users, warehouse)
    assert [week for week, _, _ in together] == WEEKS[2:]
    monkeypatch.setattr(module, "LEARNERS_AT_ONCE", 2)
    apart = found(chosen, users, warehouse)
    # A key is never split, however many stand behind it.
    assert [(week, learners) for week, learners, _ in apart] == [
        (week, learners) for learners in (["a1"], ["b1", "b2", "b3"], ["c1", "d1"]) for week in WEEKS[2:]
    ]
    for week, learners, answers in together:
        parts = [part for part in apart if part[0] == week]
        assert sorted(learner for _, some, _ in parts for learner in some) == learners
        assert sorted(answer for _, _, some in parts for answer in some) == answers


def test_a_week_that_was_not_chosen_for_a_key_is_not_made_for_its_learners(warehouse, monkeypatch):
    monkeypatch.setattr(module, "LEARNERS_AT_ONCE", 1)
    chosen = Selection({WEEKS[3]: ["a"], WEEKS[4]: ["a", "c"]})
    made = [(week, learners) for week, learners, _ in found(chosen, SelectedUsers(BY_KEY, None), warehouse)]
    assert made == [(WEEKS[3], ["a1"]), (WEEKS[4], ["a1"]), (WEEKS[4], ["c1"])]


def test_weeks_read_for_other_keys_are_read_again_and_nobodys_answers_are_lost(warehouse):
    """The files kept from the week before were those of fewer learners: whoever is new to the run had no past."""
    chosen = Selection({WEEKS[3]: ["a"], WEEKS[4]: ["a", "c"]})
    last = found(chosen, SelectedUsers(BY_KEY, None), warehouse)[-1]
    assert last == (WEEKS[4], ["a1", "c1"], [(user, f"q{n}") for user in ("a1", "c1") for n in range(5)])


def test_the_first_weeks_of_each_learner_stay_in_what_counts_when_the_window_has_passed_them(tmp_path):
    """Without the week between, and a question of the first weeks that comes again counts only there. Who was asked and
    skipped has not begun: of the late one, who skipped four weeks earlier, half of the first weeks was lost."""
    warehouse, n_weeks = Warehouse(FolderStore(tmp_path)), 20
    answered_in = {"old": {0: "q0", 3: "q3", 5: "between", 19: "q0"}, "late": {8: "q8", 10: "q10", 19: "q19"}}
    for n in range(n_weeks):
        week = FIRST.plus(n)
        rows = [(user, by_week[n], week.begins_at, True) for user, by_week in answered_in.items() if n in by_week]
        rows += [("late", "skipped", week.begins_at, None)] if n == 4 else []
        frame = pd.DataFrame(rows, columns=["user_id", "item_key", "completed_at", "correct"])
        warehouse.write(week, {"a": answer_tables.table(frame)})
    chosen = Selection({FIRST.plus(18): ["a"], FIRST.plus(19): ["a"]})
    *_, last = windows(chosen, SelectedUsers({"a": ["late", "old"]}, None), ScoringRules(), FIRST, warehouse)
    assert answered(last.counted) == [
        ("late", "q10"), ("late", "q19"), ("late", "q8"), ("old", "q0"), ("old", "q3"),
    ]  # fmt: skip
    assert answered(last.answers) == [("late", "q19"), ("old", "q0")]


@pytest.mark.parametrize(("rule", "counted"), [("missing", [1.0]), ("wrong", [0.0])])
def test_an_omitted_question_of_weeks_ago_is_wrong_or_missing_in_what_a_change_is_told_from(tmp_path, rule, counted):
    """Among a learner's first weeks, which the window of the last ones does not reach: a repeat then does not count."""
    warehouse = Warehouse(FolderStore(tmp_path))
    far = FIRST.plus(12)
    for week in FIRST.through(far):
        frame = pd.DataFrame({"user_id": "a1", "item_key": ["q"], "completed_at": [pd.Timestamp(week.begins_at)]})
        blank = frame.assign(correct=pd.array([None], "boolean"), omitted=True)
        made = {FIRST: blank, far: frame.assign(correct=True)}.get(week, frame.head(0))
        warehouse.write(week, {"a": answer_tables.table(made)})
    users = SelectedUsers({"a": ["a1"]}, None)
    *_, last = windows(Selection({far: ["a"]}), users, ScoringRules(omitted=rule), FIRST, warehouse)
    correct = last.counted.correct
    assert correct[~np.isnan(correct)].tolist() == counted
    assert last.answers.correct.tolist() == [1.0]  # a report shows what was given
