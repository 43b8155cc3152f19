"""What a blank means: an omitted question was passed over, and one that was not reached says nothing of its learner.

A question without an answer is omitted where a later one of the same session was answered, and not reached where none
was: the blanks at a session's end, or all of a session without an answer. Counting the latter as wrong makes the last
items of an exam look hard because learners are slow.

Source: Lord, F. M. (1974), Estimation of latent ability and item parameters when there are omitted responses,
Psychometrika 39; Mislevy, R. J. & Wu, P.-K. (1996), Missing responses and IRT ability estimation, ETS RR-96-30.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from resources.answers.answers import Answers
from resources.model import Floats, Ints

if TYPE_CHECKING:
    import pyarrow as pa

Omitted = Literal["missing", "wrong"]
"""What an omitted question counts as; one that was not reached is always missing."""


def omitted(correct: Floats, question_no: Ints, session: Ints) -> Floats:
    """For each question 1 if it was omitted, 0 if it was not reached, NaN if it was answered; shape (n,).

    `correct` is NaN where there is no answer; `question_no` is the place in the session's list, ascending; `session`
    numbers the sessions from 0. All questions of a session have to be there, in whatever order.
    """
    blank = np.isnan(correct)
    last = np.full(int(session.max(initial=-1)) + 1, -1, np.int64)  # question that was answered
    np.maximum.at(last, session[~blank], question_no[~blank])
    passed_over = question_no < last[session]
    return np.where(blank, passed_over.astype(np.float64), np.nan)


def scored(answers: Answers, rule: Omitted) -> Answers:
    """The same rows as they are scored: under `wrong`, an omitted question is a wrong answer; else as they are.

    A blank of which it is not known whether it was omitted stays one.
    """
    if rule == "missing":
        return answers
    return replace(answers, correct=np.where(answers.omitted == 1, 0.0, answers.correct))


def answered(table: "pa.Table", rule: Omitted) -> "pa.Table":
    """The rows, of a table with the columns `correct` and `omitted`, that are answers under the rule."""
    import pyarrow.compute as pc

    counts = pc.is_valid(table["correct"])
    return table.filter(pc.or_kleene(counts, table["omitted"]) if rule == "wrong" else counts)


@dataclass(frozen=True)
class Counts:
    """How many questions were answered, omitted and not reached; of the `unknown` blanks it is not known which."""

    answered: int = 0
    omitted: int = 0
    not_reached: int = 0
    unknown: int = 0

    @classmethod
    def of(cls, table: "pa.Table") -> Self:
        """From the columns `correct` and `omitted` of `schema.SCHEMA`."""
        import pyarrow.compute as pc

        blank = table["correct"].null_count
        known = table.num_rows - table["omitted"].null_count
        n_omitted = pc.sum(table["omitted"]).as_py() or 0
        return cls(table.num_rows - blank, n_omitted, known - n_omitted, blank - known)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.answered + other.answered,
            self.omitted + other.omitted,
            self.not_reached + other.not_reached,
            self.unknown + other.unknown,
        )

    @property
    def total(self) -> int:
        return self.answered + self.omitted + self.not_reached + self.unknown

    def by_name(self) -> Mapping[str, int]:
        """For a person to read; what is not known is named where there is any."""
        named = {
            "questions answered": self.answered,
            "blank, omitted: a later question of the session was answered": self.omitted,
            "blank, not reached: no later question of the session was answered": self.not_reached,
        }
        return named | ({"blank, frozen before these were told apart": self.unknown} if self.unknown else {})
