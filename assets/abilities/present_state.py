"""A learner's state at any instant: weekly states as far as they stand, and a step for what was answered since.

The same steps as the weekly asset's (`weekly_states`): at the end of a week the number is the same.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from assets.abilities import fingerprints
from assets.abilities.group import CLASSIC
from assets.abilities.scoring import ScoringRules
from resources.answers.answers import Answers
from resources.answers.blanks import scored
from resources.answers.counting import counting
from resources.database.queries.abilities import StateBefore
from resources.database.queries.on_demand import OnDemand
from resources.estimators.contract import Estimator
from resources.irt.growth.population import Population
from resources.irt.growth.states import Movement, State, predicted
from resources.model import ItemBank, Priors, Week

_WEEK = dt.timedelta(weeks=1)


@dataclass(frozen=True)
class Present:
    """`state` is None where nothing can be estimated from. Of what counts since the look-back began: how many answers
    there were, to an item of the bank or not (`n_unknown_item`), and how many were skipped (`n_unusable`)."""

    state: StateBefore | None
    n_answered: int
    n_unknown_item: int
    n_unusable: int


def present_state(
    now: OnDemand,
    user_id: str,
    rules: ScoringRules,
    bank: ItemBank,
    estimator: Estimator,
    request_id: str | None = None,
) -> Present:
    """The user's state at `now.as_of`, None without an answer since the look-back began that can be scored.

    A weekly state stands as long as the same answers led to it; from the first that came late on, steps are made anew.

    Raises:
        EstimatorUnavailable: no estimate was made.
    """
    first = max(now.begins, rules.first_week) if rules.first_week else now.begins
    earlier = [week for week in now.states if week < first]
    state = now.states[max(earlier)] if earlier else None
    seen = dict(now.answered)
    ends_at = state.week.ends_at if state else None  # of the state
    n_answered = n_unknown = n_unusable = 0
    found = False
    answers = scored(now.answers, rules.omitted)
    for week in first.through(Week.containing(now.as_of - dt.timedelta(microseconds=1))):
        until = min(week.ends_at, now.as_of)
        inside = _within(answers, week.begins_at, until)
        counted = _counted(inside, week, rules, seen).of_users([user_id])
        answered = [key for key, correct in zip(counted.keys, counted.correct, strict=True) if not np.isnan(correct)]
        seen |= {key: week for key, correct in zip(inside.keys, inside.correct, strict=True) if not np.isnan(correct)}
        n_known = sum(key in bank.place for key in answered)
        n_answered += len(answered)
        n_unknown += len(answered) - n_known
        n_unusable += len(counted) - len(answered)
        if not n_known:
            continue
        found = True
        movement = _movement(now, week, rules)
        made_from = fingerprints.of_states([state.fingerprint if state else ""], movement, counted)[0]
        stored = now.states.get(week)
        if stored is not None and stored.fingerprint == made_from and until == week.ends_at:
            state = stored
        else:
            weeks = (until - ends_at) / _WEEK if ends_at else 1.0
            before = State(np.array([state.theta if state else np.nan]), np.array([state.se if state else np.nan]))
            prior = predicted(before, weeks, movement)
            thetas = estimator.estimate(counted, bank, Priors(prior.mean, prior.sd), request_id=request_id)
            n_items = (state.n_items if state else 0) + thetas.n_items.item()
            state = StateBefore(thetas.theta.item(), thetas.se.item(), week, n_items, made_from)
        ends_at = until
    return Present(state if found else None, n_answered, n_unknown, n_unusable)


def _within(answers: Answers, begins_at: dt.datetime, ends_at: dt.datetime) -> Answers:
    completed_at = answers.completed_at
    return answers.take((completed_at >= _utc(begins_at)) & (completed_at < _utc(ends_at)))


def _counted(inside: Answers, week: Week, rules: ScoringRules, seen: Mapping[str, Week]) -> Answers:
    """What counts of the week's answers, given when each item was last answered before it."""
    counted = inside.take(counting(inside, rules.attempts))
    if rules.attempts != "first":
        return counted
    old = week.plus(-rules.anew_weeks) if rules.anew_weeks else None
    fresh = [key not in seen or (old is not None and seen[key] < old) for key in counted.keys]
    return counted.take(np.array(fresh, np.bool_))


def _movement(now: OnDemand, week: Week, rules: ScoringRules) -> Movement:
    """The group's step of the week; of one that is not over, as in the last that is known."""
    if rules.drift == "off":
        return CLASSIC
    known = [earlier for earlier in now.movements if earlier <= week]
    return now.movements[max(known)] if known else Population().movement


def _utc(instant: dt.datetime) -> np.datetime64:
    return np.datetime64(instant.astimezone(dt.UTC).replace(tzinfo=None), "us")
