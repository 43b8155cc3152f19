"""How the group of learners moved in each week: estimated once from everybody, then in force (asset `population`)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import sqlalchemy as sa

from assets.abilities.counted_answers import CountedAnswers
from assets.abilities.scoring import Drift
from assets.selection import in_batches
from resources.database import locks
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities, populations
from resources.errors import InvalidInput
from resources.estimators.contract import match
from resources.irt.growth.population import Population, estimate_population
from resources.irt.growth.states import CLASSIC, Movement, State
from resources.irt.response_matrix import ResponseMatrix
from resources.model import Floats, ItemBank, Week

_LEARNERS_AT_ONCE = 2_000
_LOCK = "seedtest population"
# Beyond this share of answers that came late or were taken back, a week's step is estimated again.
CHANGED = 0.2


@dataclass
class Group:
    """`drift`: estimated each week, a given number of logits a week, or `off`: nobody moves, the classic model."""

    engine: sa.Engine
    bank: ItemBank
    answers: CountedAnswers
    drift: Drift
    _known: dict[Week, Population] = field(default_factory=dict)
    _n_answers: dict[Week, int] = field(default_factory=dict)

    def knows(self, week: Week) -> bool:
        """Whether the week's step is known."""
        if self.drift != "off" and week not in self._known:
            with transaction(self.engine) as connection:
                self._read(connection, week)
        return self.drift == "off" or week in self._known

    def reread(self, until: Week) -> None:
        """What is known up to and with a week, as it is stored now: another run may have estimated it anew."""
        self._known.clear()
        self._n_answers.clear()
        with transaction(self.engine) as connection:
            self._read(connection, until)

    def outdated(self, week: Week) -> bool:
        """Whether the week's step is known, and a stated share of the week's answers came or went since."""
        if self.drift == "off" or not self.knows(week):
            return False
        return abs(self.answers.warehouse.count(week) - self._n_answers[week]) > CHANGED * self._n_answers[week]

    def movement(self, week: Week) -> Movement:
        """The week's step, which is known."""
        return CLASSIC if self.drift == "off" else self._known[week].movement

    def estimate(self, week: Week, users: Mapping[str, Sequence[str]], *, anew: bool = False) -> Population:
        """The week's step from everybody's states before it and everybody's answers, kept for all later runs.

        Everybody's states before it, and everybody's frozen answers, have to be there. Of two runs, the second takes
        what the first has kept, unless it is to be made `anew`.
        """
        if self.drift == "off":
            raise InvalidInput(
                "There is nothing to estimate of the group: IRT_DRIFT=off says that nobody moves",
                remedy="unset it, or leave this asset alone.",
            )
        with transaction(self.engine) as connection:
            locks.hold(connection, _LOCK)
            self._read(connection, week)
            if anew or week not in self._known:
                state, weeks, matrix = self._everybody(connection, week, users)
                given = float(self.drift) if isinstance(self.drift, float | int) else None
                before = self._known.get(week.plus(-1), Population())
                found = estimate_population(state, weeks, matrix, self.bank.items, before, given)
                n_answers = self.answers.warehouse.count(week)
                populations.store(connection, week, found, n_answers, self.bank.version, dt.datetime.now(dt.UTC))
                self._known[week], self._n_answers[week] = found, n_answers
        return self._known[week]

    def _read(self, connection: sa.Connection, week: Week) -> None:
        known = populations.until(connection, week)
        self._known |= {of: found.population for of, found in known.items()}
        self._n_answers |= {of: found.n_answers for of, found in known.items()}

    def _everybody(
        self, connection: sa.Connection, week: Week, users: Mapping[str, Sequence[str]]
    ) -> tuple[State, Floats, ResponseMatrix]:
        """States before the week, how many weeks old they are at its end, and the answers, of all who answered."""
        parts: list[tuple[State, Floats, ResponseMatrix]] = []
        for keys in in_batches(users, _LEARNERS_AT_ONCE):
            _, counted = self.answers.of(week, keys)
            learners = sorted({user_id for key in keys for user_id in users[key]} & {*counted.user_ids})
            state, weeks = abilities.as_state(learners, abilities.states_before(connection, learners, week), week)
            parts.append((state, weeks, match(counted.of_users(learners), self.bank).matrix))
        first = np.cumsum([0, *(matrix.n_users for _, _, matrix in parts)])
        return (
            State(np.concatenate([s.mean for s, _, _ in parts]), np.concatenate([s.sd for s, _, _ in parts])),
            np.concatenate([weeks for _, weeks, _ in parts]),
            ResponseMatrix(
                np.concatenate([m.user + start for (_, _, m), start in zip(parts, first, strict=False)]),
                np.concatenate([m.item for _, _, m in parts]),
                np.concatenate([m.correct for _, _, m in parts]),
                int(first[-1]),
                len(self.bank.item_keys),
            ),
        )
