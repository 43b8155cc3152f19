"""From answers to abilities: which answers count at an instant, and what is estimated from them.

The weekly asset and an update on demand both take what counts from `counted`, so that the same instant and window give
the same number. Stays out: where answers come from and where estimates go.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from resources.estimators.contract import Estimator, match
from resources.irt.fit import lz
from resources.irt.response_functions import Items
from resources.irt.response_matrix import Answers
from resources.model import STANDARD_NORMAL, Attempts, Floats, Ints, ItemBank, Prior, Responses, Thetas, Week


@dataclass(frozen=True)
class ScoringRules:
    """Which answers count: those of the last `lookback_days`, and of repeated attempts at an item the named one.

    The first attempt is the default, since repeats break local independence.
    """

    lookback_days: int = 30
    attempts: Literal["first", "last", "all"] = "first"
    prior: Prior = STANDARD_NORMAL

    def window_start(self, as_of: dt.datetime) -> dt.datetime:
        return as_of - dt.timedelta(days=self.lookback_days)

    def weeks(self, week: Week) -> list[Week]:
        """Weeks that hold answers which count at the end of `week`, ascending, `week` last."""
        return list(Week.containing(self.window_start(week.ends_at)).through(week))


def counting(attempts: Attempts, as_of: dt.datetime, rules: ScoringRules) -> Ints:
    """The rows that count at `as_of`, ascending: completed in [as_of - lookback, as_of), one per user and item unless
    all do.

    A skipped attempt gives way to an answered one. Ties in time are broken by attempt_no, session and outcome, never by
    row order.
    """
    begin, end = _utc(rules.window_start(as_of)), _utc(as_of)
    inside = np.flatnonzero((attempts.completed_at >= begin) & (attempts.completed_at < end))
    if rules.attempts == "all":
        return inside
    pair = attempts.user[inside] * len(attempts.item_keys) + attempts.item[inside]
    by_pair = np.argsort(pair)
    again = pair[by_pair[1:]] == pair[by_pair[:-1]]
    if not again.any():
        return inside
    # Most answers have no rival, and putting all in order is what takes the time.
    is_rival = np.zeros(pair.size, dtype=bool)
    is_rival[by_pair[1:][again]] = is_rival[by_pair[:-1][again]] = True
    rivals = np.flatnonzero(is_rival)
    is_rival[rivals[_best(attempts, inside[rivals], pair[rivals], rules.attempts)]] = False
    return inside[~is_rival]


def counted(attempts: Attempts, user_ids: Sequence[str], as_of: dt.datetime, rules: ScoringRules) -> Responses:
    """What counts of the attempts of `user_ids`, which are distinct; some may have nothing that does."""
    rows = counting(attempts, as_of, rules)
    place = {user_id: i for i, user_id in enumerate(user_ids)}
    user = np.array([place.get(user_id, -1) for user_id in attempts.user_ids], np.int64)[attempts.user[rows]]
    rows, user = rows[user >= 0], user[user >= 0]
    return Responses(tuple(user_ids), attempts.item_keys, user, attempts.item[rows], attempts.correct[rows])


def _best(attempts: Attempts, rows: Ints, pair: Ints, which: Literal["first", "last"]) -> Ints:
    """The place among `rows` of the one that counts of each pair of user and item."""
    sign = 1 if which == "first" else -1
    correct = attempts.correct[rows]
    order = np.lexsort((
        sign * correct,
        sign * attempts.session[rows],
        sign * attempts.attempt_no[rows],
        sign * attempts.completed_at[rows].astype(np.int64),
        np.isnan(correct),
        pair,
    ))  # fmt: skip
    return order[np.unique(pair[order], return_index=True)[1]]


def _utc(instant: dt.datetime) -> np.datetime64:
    return np.datetime64(instant.astimezone(dt.UTC).replace(tzinfo=None), "us")


@dataclass(frozen=True)
class Scored:
    """Abilities, and the responses that they rest on."""

    thetas: Thetas
    responses: Responses


def score(
    attempts: Attempts,
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
    responses = counted(attempts, user_ids, as_of, rules)
    return Scored(estimator.estimate(responses, bank, rules.prior), responses)


def person_fit(scored: Scored, bank: ItemBank) -> Floats:
    """lz of each estimated learner, shape (n,) in the order of `thetas.user_ids`; below -2 the pattern is unusual."""
    scorable = match(scored.responses, bank)
    place = {user_id: i for i, user_id in enumerate(scored.responses.user_ids)}
    own = np.array([place[user_id] for user_id in scored.thetas.user_ids], dtype=np.int64)
    theta = np.full(len(scored.responses.user_ids), np.nan)
    theta[own] = scored.thetas.theta
    answers = Answers(scorable.user, scorable.item, scorable.correct, theta.size, len(bank.item_keys))
    return lz(answers, Items(bank.a, bank.b, bank.c), theta)[own]
