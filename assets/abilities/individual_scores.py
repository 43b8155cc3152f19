"""What one learner's answers alone say of his ability: WLE and MAP beside the stored EAP, for decisions on individuals.

All answers that count up to a week's end are taken together, as of one ability that did not move. Nothing is stored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from assets.abilities.counted_answers import CountedAnswers
from assets.abilities.scoring import ScoringRules
from assets.selection import in_batches
from assets.user_keys import UserKeys
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities
from resources.database.queries.sessions import attempts
from resources.errors import InvalidInput, OperatorRequired
from resources.estimators.contract import match
from resources.irt.classification import level_probabilities, levels
from resources.irt.point_estimates import posterior_mode, wle
from resources.irt.response_matrix import ResponseMatrix
from resources.model import Ints, ItemBank, Week
from resources.progress import Progress, Steps
from resources.reports.learner.scale import Scale
from resources.warehouse.warehouse import Warehouse

LEARNERS_AT_ONCE = 2_000  # whose answers of all weeks are in memory


@dataclass(frozen=True)
class IndividualScore:
    """One learner's abilities in logits, and what WLE and MAP rest on.

    EAP is the newest stored state, of the week `eap_week`; `n_items` answers are used, and left out are those to items
    that are not in the bank, and those skipped or unreadable. None: there is no such number. `level` is the performance
    level that the WLE lies in, and `level_probability` that of N(wle, wle_se^2) there; None without cut scores.
    """

    user_id: str
    n_items: int
    n_unknown_item: int
    n_unusable: int
    eap: float | None
    eap_se: float | None
    eap_week: str | None
    wle: float | None
    wle_se: float | None
    map: float | None
    map_se: float | None
    level: str | None
    level_probability: float | None


@dataclass(frozen=True)
class IndividualScores:
    """Where they are computed from: frozen answers that count by `rules`, under one item bank."""

    engine: sa.Engine
    warehouse: Warehouse
    user_keys: UserKeys
    rules: ScoringRules
    first_week: Week
    bank: ItemBank
    scale: Scale

    def users(self, named: Sequence[str]) -> list[str]:
        """Those named, or everybody where nobody is, in order.

        Raises:
            InvalidInput: nobody is known by a name.
        """
        with transaction(self.engine) as connection:
            known = attempts.users(connection)
        if strangers := sorted(set(named) - set(known)):
            raise InvalidInput(
                f"No user {strangers[0]!r} is read from exam_results",
                remedy="check the id, ingest their answers first, or see `seedtest ignored`.",
            )
        return sorted(set(named)) or known

    def of(self, week: Week, users: Sequence[str], progress: Progress) -> Iterator[list[IndividualScore]]:
        """Of these learners, some at a time; those without answers and without a state are absent.

        Raises:
            InvalidInput: the week lies before the first.
            OperatorRequired: the week, or an earlier one, was never frozen for one of them.
        """
        if week < self.first_week:
            raise InvalidInput(
                f"{week} is before the first week, {self.first_week}", remedy=f"set FIRST_WEEK={week} or earlier."
            )
        learners_of = self.user_keys.by_key(users)
        for earlier in self.first_week.through(week):
            if absent := self.warehouse.missing(earlier, learners_of):
                raise OperatorRequired(
                    f"The answers of {earlier} are not frozen for {len(absent):,} of {len(learners_of):,} user keys "
                    f"(first: {absent[0]}).",
                    remedy=f"Run: seedtest run --week {week}",
                )
        made = Steps(progress, "learners", len(users))
        for keys in in_batches(learners_of, LEARNERS_AT_ONCE):
            learners = sorted(user for key in keys for user in learners_of[key])
            yield self._batch(week, keys, learners)
            made(len(learners))

    def _batch(self, week: Week, keys: Sequence[str], learners: Sequence[str]) -> list[IndividualScore]:
        matrix, n_unknown, n_unusable = self._answers(week, keys, learners)
        with transaction(self.engine) as connection:
            states = abilities.states_before(connection, learners, week.plus(1))
        unshrunk, mode = wle(matrix, self.bank.items), posterior_mode(matrix, self.bank.items)
        cuts, names = self.scale.theta_cuts, self.scale.cuts.names if self.scale.cuts else ()
        level = levels(unshrunk.theta, cuts)
        probability = level_probabilities(unshrunk.theta, unshrunk.se, cuts)[np.arange(len(learners)), level]
        n_items = np.bincount(matrix.user, minlength=len(learners))
        made = []
        for i, user_id in enumerate(learners):
            state, scored = states.get(user_id), n_items[i] > 0
            if state is None and not (scored or n_unknown[i] or n_unusable[i]):
                continue
            made.append(
                IndividualScore(
                    user_id, int(n_items[i]), int(n_unknown[i]), int(n_unusable[i]),
                    state.theta if state else None, state.se if state else None, state.week.key if state else None,
                    float(unshrunk.theta[i]) if scored else None, float(unshrunk.se[i]) if scored else None,
                    float(mode.theta[i]) if scored else None, float(mode.se[i]) if scored else None,
                    names[level[i]] if scored and names else None,
                    float(probability[i]) if scored and names else None,
                )
            )  # fmt: skip
        return made

    def _answers(self, week: Week, keys: Sequence[str], learners: Sequence[str]) -> tuple[ResponseMatrix, Ints, Ints]:
        """What counts of all weeks up to and with this one, and how many answers are left out, per learner."""
        rules = self.rules
        counting = CountedAnswers(self.warehouse, self.first_week, rules.attempts, rules.omitted, rules.anew_weeks)
        parts = [
            match(counting.of(earlier, keys)[1].of_users(learners), self.bank)
            for earlier in self.first_week.through(week)
        ]
        user, item, correct = (
            np.concatenate([getattr(part.matrix, name) for part in parts]) for name in ("user", "item", "correct")
        )
        return (
            ResponseMatrix(user, item, correct, len(learners), len(self.bank.item_keys)),
            np.sum([part.n_unknown_item for part in parts], axis=0),
            np.sum([part.n_unusable for part in parts], axis=0),
        )
