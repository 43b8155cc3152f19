from dataclasses import replace

import numpy as np
import pandas as pd

from assets.abilities.seen_items import COLUMNS, SeenItems
from assets.cohort import answers
from assets.cohort.answers import Batch, examine
from resources.answers.blanks import scored
from resources.answers.counting import counting
from resources.model import ItemBank, Week
from tests import answer_tables

WEEK = Week.parse("2025-02-03")
BEFORE = Week.parse("2025-01-27")
BANK = ItemBank("v", "2PL", ("easy", "hard"), np.ones(2), np.array([-1.0, 1.0]), np.zeros(2))


def frozen(week: Week, *rows: tuple[str, str, bool | None]) -> pd.DataFrame:
    """Answers of a week's Tuesday, each user's in one session."""
    frame = pd.DataFrame(rows, columns=["user_id", "item_key", "correct"])
    return frame.assign(
        correct=frame["correct"].astype("boolean"), completed_at=pd.Timestamp(week.begins_at) + pd.Timedelta(days=1),
        session_id=frame["user_id"] + week.key, attempt_no=1,
        omitted=pd.array([OMITTED.get((user, item)) for user, item, _ in rows], "boolean"),
    )  # fmt: skip


OMITTED = {("mixed", "easy"): True, ("scored", "other"): False}
ANSWERS = {
    BEFORE: frozen(BEFORE, ("scored", "easy", True), ("renewed", "hard", True), ("absent", "easy", True)),
    WEEK: frozen(
        WEEK, ("scored", "easy", False), ("scored", "hard", True), ("scored", "new", True), ("scored", "other", None),
        ("stranger", "new", True), ("stranger", "new", False), ("skipper", "easy", None), ("mixed", "new", True),
        ("mixed", "easy", None), ("late", "easy", True),
    ),
}  # fmt: skip
MEMBERS = {"scored", "renewed", "absent", "stranger", "skipper", "mixed", "late", "silent"}
THETA = pd.Series({"scored": 0.0})


def batch(members: set[str]) -> Batch:
    mine = {week: answer_tables.table(rows[rows["user_id"].isin(members)]) for week, rows in ANSWERS.items()}
    absent = members & {"absent"}
    given = answer_tables.answers(ANSWERS[WEEK][ANSWERS[WEEK]["user_id"].isin(members - absent)])
    seen = SeenItems("missing")
    seen.add(BEFORE, mine[BEFORE].select(COLUMNS))
    counted = given.take(counting(given))
    return Batch(members, absent, mine, counted.take(seen.unseen(counted)), len(given), {"scored", "renewed"}, THETA)


def test_everyone_without_an_estimate_is_counted_once_with_the_reason():
    seen = examine(batch(MEMBERS), WEEK, BANK)
    assert seen.learners == {
        answers.NO_ANSWER: 1, answers.UNKNOWN: 1, answers.SKIPPED: 1, answers.UNSCORABLE: 1, answers.NOT_FROZEN: 1,
        answers.NOT_RUN: 1,
    }  # fmt: skip
    assert set(seen.learners) == set(answers.REASONS)


def test_every_answer_of_the_week_is_counted_once():
    """Of 10: scored's easy was answered the week before, stranger's new counts by its first attempt."""
    seen = examine(batch(MEMBERS), WEEK, BANK)
    assert seen.answers == {
        answers.USED: 2,  # scored: hard; late: easy
        answers.REPEATED: 2,
        answers.NOT_IN_BANK: 3,
        answers.OMITTED: 1,  # mixed: easy
        answers.NOT_REACHED: 1,  # scored: other
        answers.BLANK: 1,  # skipper: easy, frozen before the two were told apart
    }


def test_an_omitted_question_that_counts_as_wrong_is_used():
    given = batch(MEMBERS)
    seen = examine(replace(given, counted=scored(given.counted, "wrong")), WEEK, BANK)
    assert (seen.answers[answers.USED], seen.answers[answers.OMITTED]) == (3, 0)
    assert (seen.answers[answers.NOT_REACHED], seen.answers[answers.BLANK]) == (1, 1)


def test_participation_counts_learners_answers_and_sessions_of_each_week():
    made = examine(batch(MEMBERS), WEEK, BANK).participation
    assert made.loc[BEFORE.key].to_dict() == {"learners": 3, "answers": 3, "skipped": 0, "sessions": 3}
    assert made.loc[WEEK.key].to_dict() == {"learners": 5, "answers": 7, "skipped": 3, "sessions": 5}


def test_items_are_compared_at_the_abilities_of_those_who_have_an_estimate_under_the_bank():
    found = examine(batch(MEMBERS), WEEK, BANK).residuals
    p = 1 / (1 + np.exp(1.0))  # of the one who has, at theta 0
    np.testing.assert_allclose(found.n, [0, 1])  # easy was answered a week before
    np.testing.assert_allclose(found.right, [0, 1])
    np.testing.assert_allclose(found.expected, [0, p])
    np.testing.assert_allclose(found.infit[1], (1 - p) / p)


def test_batches_add_up_to_everyone():
    at_once = examine(batch(MEMBERS), WEEK, BANK)
    names = sorted(MEMBERS)
    added = examine(batch(set(names[:3])), WEEK, BANK) + examine(batch(set(names[3:])), WEEK, BANK)
    pd.testing.assert_frame_equal(added.participation, at_once.participation)
    assert (added.learners, added.answers) == (at_once.learners, at_once.answers)
    np.testing.assert_allclose(added.residuals.z, at_once.residuals.z)


def test_a_batch_of_nobody_is_empty():
    seen = examine(batch(set()), WEEK, BANK)
    assert seen.learners.total() == seen.answers.total() == 0
    assert seen.participation["learners"].tolist() == [0, 0]
    assert np.isnan(seen.residuals.infit).all()
