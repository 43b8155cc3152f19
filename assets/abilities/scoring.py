"""The rules by which abilities are estimated, the same for the weekly asset and an update on demand."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import numpy as np

from resources.answers.blanks import Omitted
from resources.answers.counting import Attempt
from resources.estimators.contract import match
from resources.irt.fit import lz_star
from resources.model import Floats, ItemBank, Responses, Thetas, Week

Drift = float | Literal["estimated", "off"]


@dataclass(frozen=True)
class ScoringRules:
    """Which answers count: of repeated attempts at an item the named one, since repeats break local independence.

    `omitted`: what a question counts as that was passed over. One that was not reached never counts.
    `lookback_days`: how far back answers are read again, for those that came late. `drift`: how the group moves, in
    logits a week: estimated from everybody, a given number, or `off`, the classic model in which nobody moves.
    Nothing before `first_week` counts. `anew_weeks`: an item that was not answered for so many weeks counts as if it
    were met for the first time; 0: never, and otherwise more than the weeks that a report looks back.
    """

    lookback_days: int = 30
    attempts: Attempt = "first"
    omitted: Omitted = "missing"
    drift: Drift = "estimated"
    anew_weeks: int = 0
    first_week: Week | None = None

    def window_start(self, as_of: dt.datetime) -> dt.datetime:
        return as_of - dt.timedelta(days=self.lookback_days)

    def weeks(self, week: Week) -> list[Week]:
        """Weeks whose answers are read again at the end of `week`, ascending, `week` last."""
        return list(Week.containing(self.window_start(week.ends_at)).through(week))


def person_fit(thetas: Thetas, responses: Responses, bank: ItemBank) -> Floats:
    """lz* of each estimated learner, shape (n,) in the order of `thetas.user_ids`; below -2 the pattern is unusual."""
    place = {user_id: i for i, user_id in enumerate(responses.user_ids)}
    own = np.array([place[user_id] for user_id in thetas.user_ids], dtype=np.int64)
    theta = np.full(len(responses.user_ids), np.nan)
    theta[own] = thetas.theta
    return lz_star(match(responses, bank).matrix, bank.items, theta)[own]
