"""Each learner's state at the end of each week, made from the state before and the week's answers.

The order in which weeks are asked for does not matter. Whoever makes a week first makes, for its learners, whatever
earlier weeks are missing or came from other answers than are frozen now; and where it is not known how the group moved
in a week, everybody's. Later weeks that stand already, and came from earlier ones as they were, are made again in the
same run. Two runs that meet write the same numbers. Stays out: Dagster, and how answers are frozen.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import sqlalchemy as sa

from assets.abilities import fingerprints
from assets.abilities.counted_answers import CountedAnswers
from assets.abilities.freezing import Freezer
from assets.abilities.group import Group
from assets.abilities.scoring import ScoringRules
from assets.selection import SelectedUsers, Selection, in_batches
from assets.user_keys import UserKeys
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities, made_weeks
from resources.database.queries.estimates.abilities import WeekStates
from resources.database.queries.estimates.made_weeks import MadeWeek
from resources.estimators.contract import Estimator
from resources.irt.growth.population import Population
from resources.irt.growth.states import predicted
from resources.model import ItemBank, Priors, Responses, Thetas, Week
from resources.warehouse.warehouse import Warehouse

LearnersOf = Callable[[Collection[str]], list[str]]  # of some user keys
LEARNERS_AT_ONCE = 2_000  # their answers of a week take some 20 MB; more at once is no faster


@dataclass(frozen=True)
class Made:
    """What a batch of `learners` came to in a week: `thetas` from `responses`, which are of those who answered.

    `asked_for` is false where the week had to be made for the sake of a later one, or because it rests on an earlier
    one; learners of whom it was made before, from the same, are then left out.
    """

    week: Week
    learners: Sequence[str]
    thetas: Thetas
    responses: Responses
    asked_for: bool


@dataclass
class WeeklyStates:
    """Makes states under one item bank.

    Frozen answers are compared with those that a state came from as far back as `lookback_days` before a week: what
    comes later than that, the sensor for late answers has to ask for. `freeze` has the answers of all weeks up to one
    frozen for all learners.
    """

    engine: sa.Engine
    warehouse: Warehouse
    users: SelectedUsers
    first_week: Week
    lookback_days: int
    bank: ItemBank
    estimator: Estimator
    answers: CountedAnswers
    group: Group
    freeze: Callable[[Week], None]
    made_populations: dict[Week, Population] = field(default_factory=dict)
    _records: dict[tuple[Week, str], MadeWeek] = field(default_factory=dict)
    _checksums: dict[Week, dict[str, str]] = field(default_factory=dict)

    def make(self, chosen: Selection) -> Iterator[Made]:
        """The chosen weeks in ascending order, each after what has to be made before it; then what was made before
        and rests on them.

        Raises:
            EstimatorUnavailable, DatabaseUnavailable: what was made before stays, and need not be made again.
        """
        last = max(chosen.weeks)
        with transaction(self.engine) as connection:
            self._records = made_weeks.read(connection)
        last_of = {key: week for week, key in chosen.pairs()}
        recent = Week.containing(min(chosen.weeks).begins_at - dt.timedelta(days=self.lookback_days))
        for week in self.first_week.through(last):
            if week >= recent:
                self._checksums[week] = self.warehouse.checksums(week)
            yield from self._group_of(week, recent=week >= recent)
            asked = sorted(chosen.keys.get(week, ()))
            before = [key for key in chosen.user_keys if key not in asked and week <= last_of[key]]
            yield from self._keys(week, self._stale(week, before), self.users.asked)
            yield from self._keys(week, asked, self.users.asked, asked_for=True)
        yield from self._resting_on(chosen.user_keys)

    def population(self, week: Week) -> Population:
        """How the group moved in the week, made anew from everybody's states before it and everybody's answers."""
        with transaction(self.engine) as connection:
            self._records = made_weeks.read(connection)
        for earlier in self.first_week.through(week.plus(-1)):
            for _ in self._group_of(earlier):
                pass
        self.freeze(week)
        for _ in self._everybody(week.plus(-1)):
            pass
        return self.group.estimate(week, self.users.by_key, anew=True)

    def _resting_on(self, keys: Sequence[str]) -> Iterator[Made]:
        """Weeks of these keys that stand and came from earlier ones as they were, as when an old week is run alone.

        The records are read anew: of two runs that meet, the last to come here sees what the other has stored. Which
        answers are frozen now is left to the runs over those weeks.
        """
        with transaction(self.engine) as connection:
            self._records = made_weeks.read(connection)
        self._checksums = {}
        of_week: dict[Week, list[str]] = {}
        wanted = set(keys)
        for week, key in self._records:
            if key in wanted:
                of_week.setdefault(week, []).append(key)
        if of_week:
            self.group.reread(max(of_week))
        for week in sorted(of_week):
            if week >= self.first_week and self.group.knows(week):
                yield from self._keys(week, self._stale(week, of_week[week]), self.users.asked)

    def _group_of(self, week: Week, *, recent: bool = False) -> Iterator[Made]:
        """What has to be made so that it is known how the group moved in the week; of a recent week anew, where much
        of what was answered came late."""
        outdated = recent and self.group.outdated(week)
        if outdated or not self.group.knows(week):
            self.freeze(week)
            yield from self._everybody(week.plus(-1))
            self.made_populations[week] = self.group.estimate(week, self.users.by_key, anew=outdated)

    def _everybody(self, last: Week) -> Iterator[Made]:
        """All learners up to and with a week, where they are missing or out of date."""
        for week in self.first_week.through(last):
            yield from self._keys(week, self._stale(week, self.users.by_key), self.users.members)

    def _stale(self, week: Week, keys: Collection[str]) -> list[str]:
        """Those of the keys whose week is missing, or came from something else than what is there now."""
        return [key for key in sorted(keys) if self._records.get((week, key)) != self._expected(week, key)]

    def _expected(self, week: Week, key: str) -> MadeWeek | None:
        there = self._records.get((week, key))
        recent = self._checksums.get(week)
        made_from = recent.get(key) if recent is not None else there.made_from if there else None
        if made_from is None:
            return None if there else MadeWeek("", "")
        before = self._records.get((week.plus(-1), key))
        step = self.group.movement(week)
        fingerprint = fingerprints.of_week(
            before.fingerprint if before else "", step, made_from, self.answers.attempt, self.answers.omitted,
            self.answers.anew_weeks,
        )  # fmt: skip
        return MadeWeek(made_from, fingerprint)

    def _keys(
        self, week: Week, keys: Sequence[str], learners_of: LearnersOf, *, asked_for: bool = False
    ) -> Iterator[Made]:
        """The week of these user keys, some learners at a time."""
        batches = in_batches({key: self.users.by_key.get(key, ()) for key in keys}, LEARNERS_AT_ONCE) if keys else ()
        for batch in batches:
            yield self._batch(week, batch, learners_of(batch), asked_for=asked_for)

    def _batch(self, week: Week, keys: Sequence[str], learners: Sequence[str], *, asked_for: bool) -> Made:
        checksums = self.warehouse.checksums(week, keys)  # before the answers: what changes in between is found again
        movement = self.group.movement(week)
        answers, counted = self.answers.of(week, keys)
        with transaction(self.engine) as connection:
            there = abilities.made_from(connection, learners, week)
            # Most of a platform's learners did nothing in the week, and nothing of theirs is to be taken back.
            active = sorted({*answers.user_ids, *there} & {*learners})
            before = abilities.states_before(connection, active, week)
        came_from = [before[user_id].fingerprint if user_id in before else "" for user_id in active]
        prints = dict(
            zip(active, fingerprints.of_states(came_from, movement, counted.of_users(active)), strict=True)
        )  # fmt: skip
        due = [user_id for user_id in active if asked_for or there.get(user_id) != prints[user_id]]
        state, weeks = abilities.as_state(due, before, week)
        prior = predicted(state, weeks, movement)
        responses = counted.of_users(due)
        thetas = self.estimator.estimate(responses, self.bank, Priors(prior.mean, prior.sd))
        place = {user_id: i for i, user_id in enumerate(due)}
        own = np.array([place[user_id] for user_id in thetas.user_ids], np.int64)
        made = WeekStates(
            thetas, prior.mean[own], prior.sd[own],
            np.array([before[u].n_items if u in before else 0 for u in thetas.user_ids], np.int64),
            [prints[user_id] for user_id in thetas.user_ids],
        )  # fmt: skip
        with transaction(self.engine) as connection:
            abilities.store_week(connection, week, made, self.lookback_days, dt.datetime.now(dt.UTC))
            without = sorted({*learners} - {*thetas.user_ids})
            abilities.take_back_current(connection, without, week, thetas.bank_version, thetas.model)
            made_weeks.store_answered(connection, week, due, answers.items_answered(due))
            if len(learners) == len(self.users.members(keys)):
                self._record(connection, week, keys, checksums)
        return Made(week, learners, thetas, responses, asked_for)

    def _record(self, connection: sa.Connection, week: Week, keys: Sequence[str], checksums: dict[str, str]) -> None:
        """That the week was made for everybody of these keys."""
        self._checksums[week] = {**self._checksums.get(week, {}), **{key: checksums[key] for key in keys}}
        made = {key: expected for key in keys if (expected := self._expected(week, key))}
        made_weeks.record(connection, week, made)
        self._records |= {(week, key): of for key, of in made.items()}


def weekly_states(
    engine: sa.Engine,
    warehouse: Warehouse,
    first_week: Week,
    user_keys: UserKeys,
    users: SelectedUsers,
    rules: ScoringRules,
    bank: ItemBank,
    estimator: Estimator,
) -> WeeklyStates:
    """Of the platform's users; what has to be frozen for the sake of the group is frozen."""
    freezer = Freezer(engine, warehouse, user_keys, users)

    def freeze(week: Week) -> None:
        for earlier in first_week.through(week):
            freezer.freeze_missing(earlier, users.by_key)

    answers = CountedAnswers(warehouse, first_week, rules.attempts, rules.omitted, rules.anew_weeks)
    group = Group(engine, bank, answers, rules.drift)
    return WeeklyStates(
        engine, warehouse, users, first_week, rules.lookback_days, bank, estimator, answers, group, freeze
    )
