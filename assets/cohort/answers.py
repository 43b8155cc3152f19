"""What the frozen answers tell of a cohort: who took part in each week, who has no estimate and why, how items fit.

Learners come in batches, whose results are added up: the answers of a million learners are never in memory at once.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from resources.answers.answers import Answers
from resources.estimators.contract import Scorable, match
from resources.irt.fit import Residuals, item_residuals
from resources.model import ItemBank, Week

# Why a learner has no estimate, in the order of a table.
NOT_FROZEN = "answers of this or an earlier week not frozen: the week was not run for them"
NO_ANSWER = "no answer in the week"
UNKNOWN = "answers in the week, all to items that are not in the bank"
SKIPPED = "answers in the week, all skipped or unreadable"
UNSCORABLE = "answers in the week, each skipped or to an item that is not in the bank"
NOT_RUN = "answers that can be scored, but no estimate: the week was not run since they came"
REASONS = (NO_ANSWER, UNKNOWN, SKIPPED, UNSCORABLE, NOT_FROZEN, NOT_RUN)
# What became of an answer of the week.
USED = "used"
REPEATED = "not used: another attempt at the same item counts"
NOT_IN_BANK = "not used: the item is not in the bank"
OMITTED = "not used: omitted, and a later question of the session answered"
NOT_REACHED = "not used: not reached, no later question of the session was answered"
BLANK = "not used: blank, frozen before omitted and not reached were told apart"
OUTCOMES = (USED, REPEATED, NOT_IN_BANK, OMITTED, NOT_REACHED, BLANK)


@dataclass(frozen=True)
class Examined:
    """`participation` has a row per week (learners, answers, skipped, sessions); `learners` counts those without any
    estimate by reason, `answers` all answers of the week, and `residuals` are those of the bank's items."""

    participation: pd.DataFrame
    learners: Counter[str]
    answers: Counter[str]
    residuals: Residuals

    def __add__(self, other: "Examined") -> "Examined":
        return Examined(
            self.participation + other.participation,
            self.learners + other.learners,
            self.answers + other.answers,
            self.residuals + other.residuals,
        )


@dataclass(frozen=True)
class Batch:
    """Some learners: `frozen` holds their answers by week, `not_frozen` those of `members` of whom a week is missing.

    Of the others, `counted` are the week's answers that count (see `CountedAnswers`), of `n_answers` in all.

    `estimated` are learners with an estimate of the week under any bank, `theta` (indexed by user) those under `bank`.
    """

    members: Collection[str]
    not_frozen: Collection[str]
    frozen: Mapping[Week, pa.Table]
    counted: Answers
    n_answers: int
    estimated: Collection[str]
    theta: "pd.Series[float]"


def examine(batch: Batch, week: Week, bank: ItemBank) -> Examined:
    """A batch's part of the cohort."""
    whole = [user_id for user_id in batch.members if user_id not in batch.not_frozen]
    responses = batch.counted.of_users(whole)
    n_given = batch.n_answers
    scorable = match(responses, bank)
    reason_of = dict(zip(responses.user_ids, _reasons(scorable), strict=True))
    silent = Counter[str]()
    for user_id in set(batch.members) - set(batch.estimated):
        silent[NOT_FROZEN if user_id in batch.not_frozen else reason_of.get(user_id, NO_ANSWER)] += 1
    blank = np.isnan(responses.correct)
    n_answers = Counter({
        USED: int(scorable.n_items.sum()),
        REPEATED: n_given - len(responses),
        NOT_IN_BANK: int(scorable.n_unknown_item.sum()),
        OMITTED: int((responses.omitted[blank] == 1).sum()),
        NOT_REACHED: int((responses.omitted[blank] == 0).sum()),
        BLANK: int(np.isnan(responses.omitted[blank]).sum()),
    })  # fmt: skip
    theta = np.asarray(batch.theta.reindex(list(responses.user_ids)), np.float64)
    matrix = scorable.matrix
    known = np.isfinite(theta[matrix.user])
    estimated = replace(matrix, user=matrix.user[known], item=matrix.item[known], correct=matrix.correct[known])
    residuals = item_residuals(estimated, bank.items, theta)
    return Examined(participation(batch.frozen), silent, n_answers, residuals)


def participation(frozen: Mapping[Week, pa.Table]) -> pd.DataFrame:
    """By week: learners who answered or skipped anything, their answers, how many were skipped, and their sessions."""
    return pd.DataFrame(
        [_took_part(Answers.from_table(table)) for table in frozen.values()],
        pd.Index([week.key for week in frozen], name="week"),
        ["learners", "answers", "skipped", "sessions"],
    )


def _took_part(answers: Answers) -> tuple[int, int, int, int]:
    skipped = int(np.isnan(answers.correct).sum())
    named = answers.session >= 0
    sessions = np.unique(answers.user[named] * len(answers.session_ids) + answers.session[named])
    return np.unique(answers.user).size, len(answers) - skipped, skipped, sessions.size


def _reasons(scorable: Scorable) -> list[str]:
    """For each user, why there would be no estimate."""
    known, unknown, unusable = scorable.n_items > 0, scorable.n_unknown_item > 0, scorable.n_unusable > 0
    cases = [known, unknown & unusable, unknown, unusable]
    return [str(reason) for reason in np.select(cases, [NOT_RUN, UNSCORABLE, UNKNOWN, SKIPPED], NO_ANSWER)]
