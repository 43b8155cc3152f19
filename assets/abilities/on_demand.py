"""Abilities as of now, on demand: what the API does at the end of a session, and the catch-up where nobody called it.

From answers to abilities it is the weekly asset's way (`present_state`): for the same instant the same number. Many
users take one read, one estimate a week and one upsert together.
"""

import datetime as dt
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import sqlalchemy as sa
from opentelemetry.trace import NoOpTracer, Tracer

from assets.abilities.present_state import Present, present_states
from assets.abilities.scoring import ScoringRules
from resources.database.engine import driver_connection, transaction
from resources.database.queries.estimates import current_abilities, on_demand
from resources.database.queries.estimates.current_abilities import Ability
from resources.database.queries.estimates.on_demand import OnDemand
from resources.database.queries.items import item_banks
from resources.database.queries.items.item_banks import ADOPTED, BankChoice
from resources.estimators.contract import Estimator
from resources.model import ItemBank

Reason = Literal["no_attempts", "no_item_parameters"]
"""Why there is no estimate: nothing in the window was answered (a skipped item is no answer), or nothing that was
answered is in the item bank in force, or there is no bank."""

# What is taken at once of sessions as they are stored: 2,000 answers of 100 bytes, or 40,000 where all are alike and so
# compressed. A learner has a hundred in a month. More takes a second and more, which nobody else must wait for.
MOST_BYTES = 200_000


class LongHistory(Exception):  # noqa: N818 - an outcome
    """These users have more answers than are read at once."""


@dataclass(frozen=True)
class Update:
    """What became of a user at `as_of`. `ability` is the new estimate, or `reason` says why there is none.

    `n_unknown_item` and `n_unusable` count answers left out: item not in the bank, skipped. `later` is the current
    ability where a later one was stored already.
    """

    user_id: str
    as_of: dt.datetime
    ability: Ability | None = None
    n_unknown_item: int = 0
    n_unusable: int = 0
    reason: Reason | None = None
    later: Ability | None = None


@dataclass(frozen=True)
class Updater:
    """Updates of current abilities. `choice` says under which item bank; `channel`, where PostgreSQL's NOTIFY tells
    whose was stored, None for nowhere. `tracer` makes a span of each step. Thread-safe."""

    engine: sa.Engine
    estimator: Estimator
    choice: BankChoice = ADOPTED
    channel: str | None = None
    tracer: Tracer = NoOpTracer()  # noqa: RUF009 - it holds nothing
    _banks: dict[str, ItemBank] = field(default_factory=dict)  # by version, which never changes

    def update(
        self, user_id: str, rules: ScoringRules, *, as_of: dt.datetime | None = None, request_id: str | None = None,
        most_bytes: int | None = None,
    ) -> Update:  # fmt: skip
        """As `update_all` of one user."""
        return self.update_all([user_id], rules, as_of=as_of, request_id=request_id, most_bytes=most_bytes)[0]

    def update_all(
        self, user_ids: Sequence[str], rules: ScoringRules, *, as_of: dt.datetime | None = None,
        request_id: str | None = None, most_bytes: int | None = None, lock_timeout_ms: int | None = None,
    ) -> list[Update]:  # fmt: skip
        """Of each of these users, who are distinct: the estimate at `as_of`, by default the database's own now, stored
        unless a later one is there.

        `request_id` stands in the R service's log and, as part of the application's name, in the database's. For what
        others hold, storing waits `lock_timeout_ms` at most, by default as long as for any statement.

        Raises:
            RetryLater: the database or the estimator does not answer. Nothing was stored, unless the connection broke
                in that moment.
            LongHistory: together they have sessions of more than `most_bytes`; nothing else was done.
            RowsHeld: it was not stored within `lock_timeout_ms`.
        """
        name = "seedtest" if request_id is None else f"seedtest {request_id}"
        with self._step("read", len(user_ids)), driver_connection(self.engine) as connection:
            now = on_demand.read(
                connection, user_ids, rules.lookback_days, as_of=as_of, bank_version=self.choice.version,
                application_name=name, most_bytes=most_bytes,
            )  # fmt: skip
        if now is None:
            raise LongHistory
        if now.bank_version is None:
            return _without_bank(user_ids, now)
        bank = self._bank(now.bank_version)
        with self._step("estimate", len(user_ids)):  # while nothing is held of the database
            found = present_states(now, rules, bank, self.estimator, request_id)
        at = dt.datetime.now(dt.UTC)
        updates = [_update(user_id, now, one, bank, at) for user_id, one in zip(user_ids, found, strict=True)]
        return self._store(updates, lock_timeout_ms)

    def _store(self, updates: list[Update], lock_timeout_ms: int | None) -> list[Update]:
        """The same, with the later ability of those who have one."""
        made = [update.ability for update in updates if update.ability]
        if not made:
            return updates
        with self._step("store", len(made)), driver_connection(self.engine) as connection:
            stored = current_abilities.store(connection, made, self.channel, lock_timeout_ms)
        if len(stored) == len(made):
            return updates
        with transaction(self.engine) as connection:
            return [
                replace(update, later=_current(connection, own))
                if (own := update.ability) and own.user_id not in stored
                else update
                for update in updates
            ]

    def _step(self, name: str, users: int) -> AbstractContextManager[object]:
        # Without what an exception says: it may quote a learner's answers.
        return self.tracer.start_as_current_span(
            name, attributes={"seedtest.users": users}, record_exception=False, set_status_on_exception=False
        )

    def _bank(self, version: str) -> ItemBank:
        bank = self._banks.get(version)
        if bank is None:
            with transaction(self.engine) as connection:
                bank = item_banks.load(connection, version, self.choice.model)
            self._banks.clear()  # one is in force at a time, and each may be large
            self._banks[version] = bank
        return bank


def _without_bank(user_ids: Sequence[str], now: OnDemand) -> list[Update]:
    answered = set(now.answers.user[~np.isnan(now.answers.correct)].tolist())
    return [
        Update(user_id, now.as_of, reason="no_item_parameters" if i in answered else "no_attempts")
        for i, user_id in enumerate(user_ids)
    ]


def _update(user_id: str, now: OnDemand, found: Present, bank: ItemBank, at: dt.datetime) -> Update:
    state = found.state
    if state is None:
        reason: Reason = "no_item_parameters" if found.n_answered else "no_attempts"
        return Update(user_id, now.as_of, None, found.n_unknown_item, found.n_unusable, reason)
    ability = Ability(user_id, state.theta, state.se, state.n_items, bank.model, bank.version, now.as_of, at)
    return Update(user_id, now.as_of, ability, found.n_unknown_item, found.n_unusable)


def _current(connection: sa.Connection, ability: Ability) -> Ability | None:
    return current_abilities.current(connection, ability.user_id, ability.version, ability.model)
