"""Learners' states at any instant: weekly states as far as they stand, and a step for what was answered since.

The same steps as the weekly asset's (`weekly_states`): at the end of a week the numbers are the same. Many learners
take each week's step together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assets.abilities import fingerprints
from assets.abilities.scoring import ScoringRules
from resources import calendar
from resources.answers.answers import Answers
from resources.answers.blanks import scored
from resources.answers.counting import counting
from resources.database.queries.estimates.current_abilities import StateBefore
from resources.database.queries.estimates.on_demand import Answered, OnDemand
from resources.estimators.contract import Estimator
from resources.irt.growth.population import Population
from resources.irt.growth.states import CLASSIC, Movement, State, predicted
from resources.model import Floats, Ints, ItemBank, Priors, Responses, Week

_UNKNOWN = Population().movement  # before the first week of which a step is known


@dataclass(frozen=True)
class Present:
    """`state` is None where nothing can be estimated from. Of what counts since the look-back began: how many answers
    there were, to an item of the bank or not (`n_unknown_item`), and how many were skipped (`n_unusable`)."""

    state: StateBefore | None
    n_answered: int
    n_unknown_item: int
    n_unusable: int


@dataclass(frozen=True)
class _Counted:
    """The answers that count of all learners from one week on, n learners by K weeks.

    Per answer, `learner`, `week`, `item` (place among `item_keys`) and `correct`; per learner and week, shape (n, K),
    how many there are to items of the bank, to others, and skipped; `sums` are their fingerprints, learner by learner.
    """

    item_keys: tuple[str, ...]
    learner: Ints
    week: Ints
    item: Ints
    correct: Floats
    n_known: Ints
    n_unknown: Ints
    n_skipped: Ints
    sums: Sequence[str]


def present_states(
    now: OnDemand, rules: ScoringRules, bank: ItemBank, estimator: Estimator, request_id: str | None = None
) -> list[Present]:
    """Each user's state at `now.as_of`, None without an answer since the look-back began that can be scored.

    A weekly state stands as long as the same answers led to it; from the first that came late on, steps are made anew.

    Raises:
        EstimatorUnavailable: no estimate was made.
    """
    first = max(now.begins, rules.first_week) if rules.first_week else now.begins
    counted = _counted(now, first, rules, bank)
    # Weeks are counted from the first from here on; a state's time is its end, in weeks.
    as_of = calendar.weeks_between(first.begins_at, now.as_of)
    stored = [{_weeks(first, week): state for week, state in states.items()} for states in now.states]
    movements = sorted((_weeks(first, week), step) for week, step in now.movements.items())
    state: list[StateBefore | None] = []
    ends_at: list[float] = []
    for states in stored:
        earlier = max((k for k in states if k < 0), default=None)
        state.append(None if earlier is None else states[earlier])
        ends_at.append(np.nan if earlier is None else earlier + 1.0)
    n_weeks = counted.n_known.shape[1]
    for k in np.flatnonzero(counted.n_known.any(axis=0)).tolist():
        movement = _movement(movements, k, rules)
        step = fingerprints.of_movement(movement)
        until = min(k + 1.0, as_of)
        due: list[tuple[int, str]] = []
        for i in np.flatnonzero(counted.n_known[:, k]).tolist():
            before = state[i]
            came_from = before.fingerprint if before else ""
            made_from = fingerprints.of_state(came_from, step, counted.sums[i * n_weeks + k])
            there = stored[i].get(k)
            if there is not None and there.fingerprint == made_from and until == k + 1:
                state[i], ends_at[i] = there, until
            else:
                due.append((i, made_from))
        if not due:
            continue
        own = [i for i, _ in due]
        prior = _prior([state[i] for i in own], until - np.array([ends_at[i] for i in own]), movement)
        thetas = estimator.estimate(_responses(counted, now, k, own), bank, prior, request_id=request_id)
        made = zip(due, thetas.theta.tolist(), thetas.se.tolist(), thetas.n_items.tolist(), strict=True)
        for (i, made_from), theta, se, n_items in made:
            before = state[i]
            n_before = before.n_items if before else 0
            state[i] = StateBefore(theta, se, first.plus(k), n_before + n_items, made_from)
            ends_at[i] = until
    n_known, n_unknown, n_skipped = (
        of.sum(axis=1).tolist() for of in (counted.n_known, counted.n_unknown, counted.n_skipped)
    )
    return [
        Present(state[i] if n_known[i] else None, n_known[i] + n_unknown[i], n_unknown[i], n_skipped[i])
        for i in range(len(now.states))
    ]


def _counted(now: OnDemand, first: Week, rules: ScoringRules, bank: ItemBank) -> _Counted:
    """What counts from the week `first` until `now.as_of`."""
    answers = scored(now.answers, rules.omitted)
    weeks = [*first.through(Week.containing(now.as_of))] or [first]
    begins = np.array([calendar.as_numpy(week.begins_at) for week in weeks])
    answers = answers.take((answers.completed_at >= begins[0]) & (answers.completed_at < calendar.as_numpy(now.as_of)))
    week = np.searchsorted(begins, answers.completed_at, side="right") - 1
    n, n_weeks = len(now.states), int(week.max(initial=-1)) + 1
    # Of repeats, the one that counts of each learner and week.
    rows = counting(replace(answers, user=answers.user * n_weeks + week), rules.attempts)
    if rules.attempts == "first":
        rows = rows[_is_new(answers, week, rows, now.answered, first, rules.anew_weeks)]
    learner, week, item, correct = answers.user[rows], week[rows], answers.item[rows], answers.correct[rows]
    place = bank.place
    in_bank = np.array([key in place for key in answers.item_keys], np.bool_)[item]
    cell, skipped = learner * n_weeks + week, np.isnan(correct)
    n_known, n_unknown, n_skipped = (
        np.bincount(cell[which], minlength=n * n_weeks).reshape(n, n_weeks)
        for which in (~skipped & in_bank, ~skipped & ~in_bank, skipped)
    )
    sums = fingerprints.of_answers(answers.item_keys, item, correct, cell, n * n_weeks)
    return _Counted(answers.item_keys, learner, week, item, correct, n_known, n_unknown, n_skipped, sums)


def _is_new(
    answers: Answers, week: Ints, rows: Ints, answered: Answered, first: Week, anew_weeks: int
) -> NDArray[np.bool_]:
    """For each of `rows`, whether its learner had not answered its item in an earlier week; or not for `anew_weeks`."""
    place = {key: j for j, key in enumerate(answers.item_keys)}
    earlier = [
        (user * len(place) + place[key], _weeks(first, at))
        for user, key, at in zip(answered.users, answered.items, answered.weeks, strict=True)
        if key in place
    ]
    pair = answers.user * len(place) + answers.item
    given = ~np.isnan(answers.correct)
    known_pair, known_week = np.array(earlier, np.int64).reshape(-1, 2).T
    shift = -int(known_week.min(initial=0))  # so that no week lies before 0
    n_weeks = int(week.max(initial=0)) + shift + 1
    # Pair and week as one number, ascending: the one before it is the last time that this pair was answered.
    known = np.sort(np.concatenate([
        pair[given] * n_weeks + week[given] + shift, known_pair * n_weeks + known_week + shift, [-n_weeks]
    ]))  # fmt: skip
    own = pair[rows] * n_weeks + week[rows] + shift
    last = known[np.searchsorted(known, own) - 1]
    seen = last // n_weeks == pair[rows]
    long_ago = last % n_weeks - shift < week[rows] - anew_weeks if anew_weeks else np.zeros(rows.size, np.bool_)
    return np.asarray(~seen | long_ago)


def _responses(counted: _Counted, now: OnDemand, k: int, learners: Sequence[int]) -> Responses:
    """What counts of the week of these learners, learner by learner, as each one's alone would be."""
    place = np.full(len(now.states), -1, np.int64)
    place[learners] = np.arange(len(learners))
    user = place[counted.learner]
    rows = np.flatnonzero((counted.week == k) & (user >= 0))
    rows = rows[np.argsort(user[rows], kind="stable")]
    user_ids = tuple(now.answers.user_ids[i] for i in learners)
    return Responses(user_ids, counted.item_keys, user[rows], counted.item[rows], counted.correct[rows])


def _prior(state: Sequence[StateBefore | None], weeks: Floats, movement: Movement) -> Priors:
    """Of these learners, `weeks` after their states; of who has none it does not matter."""
    mean = np.array([one.theta if one else np.nan for one in state], np.float64)
    sd = np.array([one.se if one else np.nan for one in state], np.float64)
    prior = predicted(State(mean, sd), weeks, movement)
    return Priors(prior.mean, prior.sd)


def _movement(movements: Sequence[tuple[int, Movement]], k: int, rules: ScoringRules) -> Movement:
    """The group's step of the week, by weeks ascending; of one that is not over, as in the last that is known."""
    if rules.drift == "off":
        return CLASSIC
    return next((step for week, step in reversed(movements) if week <= k), _UNKNOWN)


def _weeks(first: Week, week: Week) -> int:
    return (week.start - first.start).days // 7
