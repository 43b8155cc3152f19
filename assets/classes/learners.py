"""What class reports say of each learner, read once for a week, whichever groups a learner is in."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import sqlalchemy as sa

from assets.abilities.plausibility import plausible
from assets.abilities.scoring import ScoringRules
from assets.abilities.windows import Window, windows
from assets.publishing.report_inputs import report_inputs
from assets.selection import SelectedUsers, Selection
from assets.user_keys import UserKeys
from resources.answers.answers import Answers
from resources.calendar import as_numpy
from resources.database.engine import transaction
from resources.database.queries import abilities, attempts
from resources.irt.response_functions import probability
from resources.model import Floats, ItemBank, ItemCatalogue, Week
from resources.progress import Progress, Steps
from resources.reports.classes.class_input import Answered, Learner, TopicCount
from resources.reports.classes.topics import WEEKS as TOPIC_WEEKS
from resources.reports.classes.verdicts import level_of
from resources.reports.learner.expected_score import number_right
from resources.reports.learner.report_input import ReportInput
from resources.reports.learner.scale import Scale
from resources.reports.learner.sections.level import enough
from resources.warehouse.folder import Warehouse

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
        counted = window.counted.of_users(members)
        lately = counted.completed_at >= as_numpy(week.plus(1 - TOPIC_WEEKS).begins_at)
        of_topics = counted.take(lately & ~np.isnan(counted.correct)).by_user()
        inputs = {
            given.user_id: given
            for given in report_inputs(
                week, members, window.answers.of_users(members), counted, history, _NOBODY,
                bank=self.bank, scale=self.scale, window_days=self.rules.lookback_days, items=self.items,
            )
        }  # fmt: skip
        made = []
        for user_id in members:
            learner = Learner(user_id, None, "yes", last_week=Week(last[user_id]) if user_id in last else None)
            if given := inputs.get(user_id):
                learner = _told(learner, given, self.bank)
            if answers := of_topics.get(user_id):
                learner = replace(
                    learner, topics=_topics(answers, self._expected(answers, given), self._topics(answers))
                )
            made.append(learner)
        return made

    def _topics(self, answers: Answers) -> list[str | None]:
        """Of each answer; None where nobody has told."""
        return [
            topic or self.bank.topics.get(key) or self.items.of(key).topic
            for topic, key in zip(answers.topics, answers.keys, strict=True)
        ]

    def _expected(self, answers: Answers, given: ReportInput | None) -> Floats:
        """Of a right answer at the learner's level of that week, else at the present one; NaN where it is unknown.

        At the present level alone, a class that grows would lie below what is expected in every topic.
        """
        if given is None or given.level is None or not enough(given.level):
            return np.full(len(answers), np.nan)
        level_in = {past.week.start: past.theta for past in given.history if enough(past)}
        weeks = list(given.week.plus(1 - TOPIC_WEEKS).through(given.week))
        theta = np.array([level_in.get(week.start, given.level.theta) for week in weeks])
        begins = np.array([as_numpy(week.begins_at) for week in weeks])
        return _chances(self.bank, answers.keys, theta[np.searchsorted(begins, answers.completed_at, "right") - 1])


def _topics(answers: Answers, chances: Floats, topics: Sequence[str | None]) -> list[TopicCount]:
    rows: dict[str, list[int]] = {}
    for row, topic in enumerate(topics):
        if topic:
            rows.setdefault(topic, []).append(row)
    return [_count(topic, answers.correct[at], chances[at]) for topic, at in sorted(rows.items())]


def _count(topic: str, correct: Floats, chances: Floats) -> TopicCount:
    known = ~np.isnan(chances)
    n_right, n_right_known = int(correct.sum()), int(correct[known].sum())
    expected = at_most = math.nan
    if known.any():
        # Rounded: who else was in the batch changes the last bits of a level.
        expected = round(float(chances[known].sum()), 9)
        at_most = round(float(number_right(chances[known])[: n_right_known + 1].sum()), 9)
    return TopicCount(topic, correct.size, n_right, int(known.sum()), n_right_known, expected, at_most)


def _told(learner: Learner, given: ReportInput, bank: ItemBank) -> Learner:
    """With what the learner's own report says."""
    level = given.level and replace(given.level, theta=round(given.level.theta, 9), se=round(given.level.se, 9))
    learner = replace(
        learner, level=level, change=given.change, change_since_start=given.change_since_start,
        n_answers=len(given.answers),
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
