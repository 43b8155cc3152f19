"""Abilities as of now, on demand: what the API does at the end of a session, and the catch-up where nobody called it.

From answers to abilities it is the weekly asset's way (`scoring`): for the same instant and window the same number.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import sqlalchemy as sa

from assets.scoring import ScoringRules, counted
from resources.database import abilities, banks, moment
from resources.database.abilities import Ability
from resources.database.engine import statements
from resources.irt.estimator import Estimator
from resources.model import ItemBank, Responses, Thetas

Reason = Literal["no_attempts", "no_item_parameters"]
"""Why there is no estimate: nothing in the window was answered (a skipped item is no answer), or nothing that was
answered is in the item bank in force, or there is no bank."""


@dataclass(frozen=True)
class Update:
    """What became of the users at `as_of`. `thetas` is None where there is no item bank; `unscored` says why a user has
    no estimate; `later` holds the current abilities of those for whom a later one was stored already."""

    as_of: dt.datetime
    fitted_at: dt.datetime
    thetas: Thetas | None
    unscored: dict[str, Reason]
    later: dict[str, Ability]


@dataclass(frozen=True)
class Updater:
    """Updates of current abilities. `bank_version` pins an item bank, None takes the one in force. Thread-safe."""

    engine: sa.Engine
    estimator: Estimator
    bank_version: str | None = None
    _banks: dict[str, ItemBank] = field(default_factory=dict)  # by version, which never changes

    def update(
        self,
        user_ids: Sequence[str],
        rules: ScoringRules,
        *,
        as_of: dt.datetime | None = None,
        request_id: str | None = None,
    ) -> Update:
        """Estimates of these users at `as_of`, by default the database's own now, stored where no later one is.

        `request_id` stands in the R service's log and, as part of the application's name, in the database's.

        Raises:
            RetryLater: the database or the estimator does not answer. Nothing was stored, unless the connection broke
                in that moment.
        """
        name = "seedtest" if request_id is None else f"seedtest {request_id}"
        with statements(self.engine) as connection:
            now = moment.read(
                connection, user_ids, rules.lookback_days,
                as_of=as_of, bank_version=self.bank_version, application_name=name,
            )  # fmt: skip
            responses = counted(now.attempts, user_ids, now.as_of, rules)
            bank = self._bank(connection, now.bank_version) if now.bank_version else None
            if bank is None:
                return Update(now.as_of, dt.datetime.now(dt.UTC), None, _reasons(responses, user_ids), {})
            thetas = self.estimator.estimate(responses, bank, rules.prior, request_id=request_id)
            fitted_at = dt.datetime.now(dt.UTC)
            stored = abilities.store_current(connection, thetas, now.as_of, fitted_at)
            beaten = [user_id for user_id in thetas.user_ids if user_id not in stored]
            later = abilities.current(connection, beaten, bank.version) if beaten else []
        return Update(
            now.as_of, fitted_at, thetas, _reasons(responses, thetas.unscored), {row.user_id: row for row in later}
        )

    def _bank(self, connection: sa.Connection, version: str) -> ItemBank:
        if version not in self._banks:
            bank = banks.load(connection, version)
            self._banks.clear()  # one is in force at a time, and each may be large
            self._banks[version] = bank
            return bank
        return self._banks[version]


def _reasons(responses: Responses, user_ids: Sequence[str]) -> dict[str, Reason]:
    if not user_ids:
        return {}
    answering = {responses.user_ids[i] for i in np.unique(responses.user[~np.isnan(responses.correct)])}
    return {user_id: "no_item_parameters" if user_id in answering else "no_attempts" for user_id in user_ids}
