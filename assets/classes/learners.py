"""What class reports say of each learner, read once for a week, whichever groups a learner is in."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import sqlalchemy as sa

from assets.abilities.plausibility import plausible
from assets.abilities.scoring import ScoringRules
from assets.abilities.windows import Window, windows
from assets.publishing.findings import with_findings
from assets.publishing.report_inputs import report_inputs
from assets.selection import SelectedUsers, Selection
from assets.user_keys import UserKeys
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities
from resources.database.queries.sessions import attempts
from resources.irt.response_functions import probability
from resources.model import Floats, ItemBank, ItemCatalogue, Week
from resources.progress import Progress, Steps
from resources.reports.classes.class_input import Answered, Learner
from resources.reports.classes.verdicts import level_of
from resources.reports.learner.report_input import ReportInput
from resources.reports.learner.scale import Scale
from resources.warehouse.warehouse import Warehouse

_NOBODY: Floats = np.zeros(0)  # a class report does not say among whom a learner stands


@dataclass(frozen=True)
class Learners:
    """Where the learners of classes are read from."""

    engine: sa.Engine
    warehouse: Warehouse
    first_week: Week
    user_keys: UserKeys
    rules: ScoringRules
    scale: Scale
    bank: ItemBank
    items: ItemCatalogue

    def of(self, week: Week, user_ids: Collection[str], progress: Progress) -> dict[str, Learner]:
        """Each of these, without a name; also who is not on the platform, and whose week was not made."""
        with transaction(self.engine) as connection:
            platforms = attempts.users(connection)
        asked = set(user_ids).intersection(platforms)
        found = {user_id: Learner(user_id, None, "no") for user_id in user_ids if user_id not in asked}
        by_key = self.user_keys.by_key(platforms)
        keys = {self.user_keys.key_of(user_id) for user_id in asked}
        for earlier in self.first_week.through(week):
            keys -= set(self.warehouse.missing(earlier, keys))
        made = {user_id for user_id in asked if self.user_keys.key_of(user_id) in keys}
        found |= {user_id: Learner(user_id, None, "not run") for user_id in asked - made}
        if not made:
            return found
        users, done = SelectedUsers(by_key, frozenset(made)), Steps(progress, "learners of classes", len(made))
        chosen = Selection({week: sorted(keys)})
        for window in windows(chosen, users, self.rules, self.first_week, self.warehouse):
            found |= {learner.user_id: learner for learner in self._of_window(window)}
            done(len(window.learners))
        return found

    def _of_window(self, window: Window) -> list[Learner]:
        members, week = window.learners, window.week
        with transaction(self.engine) as connection:
            history = abilities.history(connection, members, week)
        good = plausible(history["theta"].to_numpy(), history["se"].to_numpy())
        history = history[~history["user_id"].isin(set(history["user_id"][~good]))]
        last = dict(zip(history["user_id"], history["week_start"], strict=True))  # ascending: the newest stays
        reports = report_inputs(
            week, members, window.answers.of_users(members), window.counted.of_users(members), history, _NOBODY,
            bank=self.bank, scale=self.scale, window_days=self.rules.lookback_days, items=self.items,
        )  # fmt: skip
        inputs = {given.user_id: given for given in with_findings(list(reports))}
        made = []
        for user_id in members:
            learner = Learner(user_id, None, "yes", last_week=Week(last[user_id]) if user_id in last else None)
            if given := inputs.get(user_id):
                learner = _told(learner, given, self.bank)
            made.append(learner)
        return made


def _told(learner: Learner, given: ReportInput, bank: ItemBank) -> Learner:
    """With what the learner's own report says."""
    level = given.level and replace(given.level, theta=round(given.level.theta, 9), se=round(given.level.se, 9))
    learner = replace(
        learner, level=level, change=given.change, change_since_start=given.change_since_start,
        n_answers=len(given.answers), topics=given.topics,
    )  # fmt: skip
    rows = given.first_answers.tolist()
    keys = [given.answers.keys[row] for row in rows]
    right = [bool(given.answers.correct[row]) for row in rows]
    level = level_of(learner)
    theta = np.full(len(keys), level.theta if level else np.nan)
    chances = _chances(bank, keys, theta).round(9).tolist()
    answered = [Answered(key, was, chance) for key, was, chance in zip(keys, right, chances, strict=True)]
    return replace(learner, answered=answered)


def _chances(bank: ItemBank, keys: Sequence[str], theta: Floats) -> Floats:
    """Of a right answer to each of these items by somebody of this ability; NaN without one, or of an item that is not
    in the bank."""
    place = np.array([bank.place.get(key, -1) for key in keys], np.int64)
    found = probability(bank.items.at(place), theta[:, None])[:, 0]
    return np.where(place >= 0, found, np.nan)
