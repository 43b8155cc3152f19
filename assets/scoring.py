"""From answers to abilities: which answers count at an instant, and the one call that estimates from them.

The weekly asset and an update on demand both come through `score`, so that the same instant and window give the same
number. Stays out: where answers come from and where estimates go.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from resources.irt.answers import Answers
from resources.irt.curves import Items
from resources.irt.estimator import Estimator, match
from resources.irt.fit import lz
from resources.model import STANDARD_NORMAL, Floats, ItemBank, Prior, Responses, Thetas, Week


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


def counting(answers: pd.DataFrame, as_of: dt.datetime, rules: ScoringRules) -> pd.DataFrame:
    """The answers that count at `as_of`: completed in [as_of - lookback, as_of), one per user and item unless all do.

    `answers` has user_id, item_key, correct (nullable), completed_at, session_id and attempt_no; their order stays. A
    skipped attempt gives way to an answered one. Ties in time are broken by attempt_no, session and outcome, never by
    row order.
    """
    completed = answers["completed_at"]
    inside = answers[(completed >= rules.window_start(as_of)) & (completed < as_of)]
    if rules.attempts == "all":
        return inside
    keep = ~inside.duplicated(["user_id", "item_key"], keep=False).to_numpy()
    # Most answers have no rival, and sorting is what takes the time.
    rivals = inside[~keep]
    ordered = rivals.assign(_row=np.flatnonzero(~keep), _skipped=rivals["correct"].isna()).sort_values(
        ["_skipped", "completed_at", "attempt_no", "session_id", "correct"],
        ascending=[True, *[rules.attempts == "first"] * 4],
        kind="stable",
    )
    keep[ordered.drop_duplicates(["user_id", "item_key"])["_row"].to_numpy(np.int64)] = True
    return inside[keep]


@dataclass(frozen=True)
class Scored:
    """Abilities, and the responses that they rest on."""

    thetas: Thetas
    responses: Responses


def score(
    answers: pd.DataFrame,
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
    answered = Responses.from_frame(counting(answers[answers["user_id"].isin(user_ids)], as_of, rules))
    silent = sorted(set(user_ids) - set(answered.user_ids))
    responses = replace(answered, user_ids=(*answered.user_ids, *silent))
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
