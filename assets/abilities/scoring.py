"""From answers to abilities: which answers count at an instant, and what is estimated from them.

The weekly asset and an update on demand both take what counts from `counted`, so that the same instant and window give
the same number. Stays out: where answers come from and where estimates go.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resources.answers.answers import Answers
from resources.answers.counting import Attempt, counting
from resources.estimators.contract import Estimator, match
from resources.irt.fit import lz
from resources.model import STANDARD_NORMAL, Floats, ItemBank, Prior, Responses, Thetas, Week


@dataclass(frozen=True)
class ScoringRules:
    """Which answers count: those of the last `lookback_days`, and of repeated attempts at an item the named one.

    The first attempt is the default, since repeats break local independence.
    """

    lookback_days: int = 30
    attempts: Attempt = "first"
    prior: Prior = STANDARD_NORMAL

    def window_start(self, as_of: dt.datetime) -> dt.datetime:
        return as_of - dt.timedelta(days=self.lookback_days)

    def weeks(self, week: Week) -> list[Week]:
        """Weeks that hold answers which count at the end of `week`, ascending, `week` last."""
        return list(Week.containing(self.window_start(week.ends_at)).through(week))


def counted(answers: Answers, user_ids: Sequence[str], as_of: dt.datetime, rules: ScoringRules) -> Answers:
    """What counts at `as_of` of the answers of `user_ids`, who are distinct; some may have nothing that does.

    Answers completed in [as_of - lookback, as_of), one per user and item unless all attempts count.
    """
    begin, end = _utc(rules.window_start(as_of)), _utc(as_of)
    inside = answers.take((answers.completed_at >= begin) & (answers.completed_at < end))
    return inside.take(counting(inside, rules.attempts)).of_users(user_ids)


def _utc(instant: dt.datetime) -> np.datetime64:
    return np.datetime64(instant.astimezone(dt.UTC).replace(tzinfo=None), "us")


@dataclass(frozen=True)
class Scored:
    """Abilities, and the responses that they rest on."""

    thetas: Thetas
    responses: Responses


def score(
    answers: Answers,
    user_ids: Sequence[str],
    as_of: dt.datetime,
    *,
    rules: ScoringRules,
    bank: ItemBank,
    estimator: Estimator,
) -> Scored:
    """Abilities of `user_ids` at `as_of` from the answers that count then; who has none is in `unscored`.

    Raises:
        EstimatorUnavailable: no estimate was made.
    """
    responses = counted(answers, user_ids, as_of, rules)
    return Scored(estimator.estimate(responses, bank, rules.prior), responses)


def person_fit(scored: Scored, bank: ItemBank) -> Floats:
    """lz of each estimated learner, shape (n,) in the order of `thetas.user_ids`; below -2 the pattern is unusual."""
    place = {user_id: i for i, user_id in enumerate(scored.responses.user_ids)}
    own = np.array([place[user_id] for user_id in scored.thetas.user_ids], dtype=np.int64)
    theta = np.full(len(scored.responses.user_ids), np.nan)
    theta[own] = scored.thetas.theta
    return lz(match(scored.responses, bank).matrix, bank.items, theta)[own]
