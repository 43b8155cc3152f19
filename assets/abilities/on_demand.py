"""Abilities as of now, on demand: what the API does at the end of a session, and the catch-up where nobody called it.

From answers to abilities it is the weekly asset's way (`present_state`): for the same instant the same number.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import sqlalchemy as sa

from assets.abilities.present_state import present_state
from assets.abilities.scoring import ScoringRules
from resources.database.engine import statements
from resources.database.queries import abilities, item_banks, on_demand
from resources.database.queries.abilities import Ability
from resources.database.queries.item_banks import ADOPTED, BankChoice
from resources.estimators.contract import Estimator
from resources.model import ItemBank

Reason = Literal["no_attempts", "no_item_parameters"]
"""Why there is no estimate: nothing in the window was answered (a skipped item is no answer), or nothing that was
answered is in the item bank in force, or there is no bank."""


@dataclass(frozen=True)
class Update:
    """What became of a user at `as_of`. `ability` is the new estimate, or `reason` says why there is none.

    `n_unknown_item` and `n_unusable` count answers left out: item not in the bank, skipped. `later` is the current
    ability where a later one was stored already.
    """

    as_of: dt.datetime
    ability: Ability | None = None
    n_unknown_item: int = 0
    n_unusable: int = 0
    reason: Reason | None = None
    later: Ability | None = None


@dataclass(frozen=True)
class Updater:
    """Updates of current abilities. `choice` says under which item bank. Thread-safe."""

    engine: sa.Engine
    estimator: Estimator
    choice: BankChoice = ADOPTED
    _banks: dict[str, ItemBank] = field(default_factory=dict)  # by version, which never changes

    def update(
        self,
        user_id: str,
        rules: ScoringRules,
        *,
        as_of: dt.datetime | None = None,
        request_id: str | None = None,
    ) -> Update:
        """The user's estimate at `as_of`, by default the database's own now, stored unless a later one is there.

        `request_id` stands in the R service's log and, as part of the application's name, in the database's.

        Raises:
            RetryLater: the database or the estimator does not answer. Nothing was stored, unless the connection broke
                in that moment.
        """
        name = "seedtest" if request_id is None else f"seedtest {request_id}"
        with statements(self.engine) as connection:
            now = on_demand.read(
                connection, user_id, rules.lookback_days,
                as_of=as_of, bank_version=self.choice.version, application_name=name,
            )  # fmt: skip
            if now.bank_version is None:
                answered = not np.isnan(now.answers.correct).all()
                return Update(now.as_of, reason="no_item_parameters" if answered else "no_attempts")
            bank = self._bank(connection, now.bank_version)
            connection.commit()  # nothing is held while the R service works
            found = present_state(now, user_id, rules, bank, self.estimator, request_id)
            if found.state is None:
                reason: Reason = "no_item_parameters" if found.n_answered else "no_attempts"
                return Update(now.as_of, None, found.n_unknown_item, found.n_unusable, reason)
            state = found.state
            ability = Ability(
                user_id, state.theta, state.se, state.n_items, bank.model, bank.version, now.as_of,
                dt.datetime.now(dt.UTC),
            )  # fmt: skip
            stored = abilities.store_current(connection, ability)
            later = None if stored else abilities.current(connection, user_id, bank.version, bank.model)
        return Update(now.as_of, ability, found.n_unknown_item, found.n_unusable, later=later)

    def _bank(self, connection: sa.Connection, version: str) -> ItemBank:
        bank = self._banks.get(version)
        if bank is None:
            bank = item_banks.load(connection, version, self.choice.model)
            self._banks.clear()  # one is in force at a time, and each may be large
            self._banks[version] = bank
        return bank
