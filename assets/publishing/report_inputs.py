"""What the reports of a week are made from: estimates out of the database and frozen answers, learner by learner."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from resources import calendar
from resources.answers.answers import Answers
from resources.irt.growth.change import change, over_last, since_start
from resources.irt.growth.smoothing import smooth
from resources.irt.response_matrix import ResponseMatrix
from resources.model import Floats, ItemBank, ItemCatalogue, Week
from resources.reports.learner.percentile import standing
from resources.reports.learner.report_input import Change, Level, ReportInput, WeekLevel
from resources.reports.learner.scale import Scale
from resources.reports.learner.sections.level import MIN_ANSWERS

OVER_WEEKS = 4.0  # the change that a report tells, or since the learner's first answers where they are younger
SHORTEST = 1.0  # weeks; how answers of one week differ is no change of ability to tell a learner of


def report_inputs(
    week: Week,
    members: Sequence[str],
    answers: Answers,
    counted: Answers,
    history: pd.DataFrame,
    everybody: Floats,
    *,
    bank: ItemBank,
    scale: Scale,
    window_days: int,
    items: ItemCatalogue = ItemCatalogue(),  # noqa: B008 - frozen
) -> Iterator[ReportInput]:
    """Of those of `members` who answered in the week, or have a level to show that is not older than `window_days`.

    `answers` are those of the last weeks, `counted` those of them and of the first that count for ability; `history`
    the members' estimates up to the week in the order of users and weeks, `everybody` the thetas to stand among,
    ascending.
    """
    window_of = answers.by_user()
    nothing = answers.take(np.zeros(0, np.int64))
    begins_at = calendar.as_numpy(week.begins_at)
    past_of = _pasts(history, Week.containing(week.ends_at - dt.timedelta(days=window_days)))
    scored = _scored(week, members, counted, bank)
    change_of, since_start_of = _changes(scored, bank), _changes_since_start(scored, bank)
    for place, user_id in enumerate(members):
        past = past_of.get(user_id, _Past(None, ()))
        window = window_of.get(user_id, nothing)
        own = window.take(window.completed_at >= begins_at)
        if not len(own) and (past.level is None or past.level.n_items < MIN_ANSWERS):
            continue  # a page without a word on it
        yield ReportInput(
            user_id=user_id,
            week=week,
            level=past.level,
            standing=standing(everybody, past.level.theta, past.level.se) if past.level else None,
            change=change_of.get(place),
            change_since_start=since_start_of.get(place),
            history=past.weeks,
            answers=own,
            seen=frozenset(window.keys),
            bank=bank,
            scale=scale,
            as_of=week.ends_at,
            window_days=window_days,
            items=items,
        )


@dataclass(frozen=True)
class _Scored:
    """The members' answers to items of the bank; `newest` and `oldest` are weeks before the end of
    the week, per member, inf and -inf without any."""

    matrix: ResponseMatrix
    weeks_ago: Floats
    newest: Floats
    oldest: Floats

    @property
    def of_the_week(self) -> NDArray[np.bool_]:
        return self.newest <= 1

    def change(self, position: Floats, told: NDArray[np.bool_], weeks: Floats, bank: ItemBank) -> dict[int, Change]:
        """Of those members who are to be told one, and can be; `position` is NaN where an answer does not matter."""
        of = self.matrix
        rows = np.flatnonzero(told[of.user] & ~np.isnan(position))
        some = ResponseMatrix(of.user[rows], of.item[rows], of.correct[rows], of.n_users, of.n_items)
        found = change(some, position[rows], bank.items)
        return {
            i: Change(
                max(1, round(weeks[i].item())), round(found.change[i].item(), 9), round(found.se[i].item(), 9),
                found.verdict[i],
            )
            for i in np.flatnonzero(told).tolist()
            if found.verdict[i] is not None
        }  # fmt: skip


def _scored(week: Week, members: Sequence[str], counted: Answers, bank: ItemBank) -> _Scored:
    answers = counted.of_users(members)
    item = np.array([bank.place.get(key, -1) for key in answers.item_keys], np.int64)[answers.item]
    rows = np.flatnonzero((item >= 0) & ~np.isnan(answers.correct))
    weeks_ago = (calendar.as_numpy(week.ends_at) - answers.completed_at[rows]) / np.timedelta64(1, "W")
    user = answers.user[rows]
    newest, oldest = np.full(len(members), np.inf), np.full(len(members), -np.inf)
    np.minimum.at(newest, user, weeks_ago)
    np.maximum.at(oldest, user, weeks_ago)
    matrix = ResponseMatrix(
        user, item[rows], answers.correct[rows].astype(np.int64), len(members), len(bank.item_keys)
    )  # fmt: skip
    return _Scored(matrix, weeks_ago, newest, oldest)


def _changes(of: _Scored, bank: ItemBank) -> dict[int, Change]:
    """The change over four weeks of those who have new scored answers in the week, where they can carry one.

    From answer to answer: four weeks end with the learner's last one, and begin with the first where that is younger.
    """
    user, over = of.matrix.user, np.minimum(of.oldest - of.newest, OVER_WEEKS)
    told = of.of_the_week & (over >= SHORTEST)
    with np.errstate(divide="ignore", invalid="ignore"):  # of those who are told nothing
        position = over_last(of.weeks_ago - of.newest[user], over[user])
    return of.change(position, told, over, bank)


def _changes_since_start(of: _Scored, bank: ItemBank) -> dict[int, Change]:
    """The same from the learner's first four weeks to the last four, of those who have been there for eight."""
    user, over = of.matrix.user, of.oldest - of.newest
    position = since_start(of.weeks_ago - of.newest[user], over[user])
    return of.change(position, of.of_the_week & (over >= 2 * OVER_WEEKS), over, bank)


@dataclass(frozen=True)
class _Past:
    """A learner's levels up to a week, ascending, as all answers up to then tell them, and the newest, None where it is
    too old."""

    level: Level | None
    weeks: Sequence[WeekLevel]


def _pasts(history: pd.DataFrame, oldest: Week) -> dict[str, _Past]:
    """Each user's past, from a history in the order of users and weeks; without a frame per user, which takes longer
    than the report."""
    week_of = {start: Week(start) for start in history["week_start"].unique()}
    users = history["user_id"].tolist()
    if not users:
        return {}
    bounds = [0, *(i for i in range(1, len(users)) if users[i] != users[i - 1]), len(users)]
    theta, se = _smoothed(history, bounds)
    weeks = [
        WeekLevel(week_of[start], *estimate)
        for start, *estimate in zip(
            history["week_start"].tolist(), theta.tolist(), se.tolist(), history["n_items"].tolist(), strict=True
        )
    ]
    columns = ("week_start", "theta", "se", "n_items", "n_unknown_item", "n_unusable", "model", "version")
    newest = history.iloc[[end - 1 for end in bounds[1:]]]
    levels = zip(*(newest[name].tolist() for name in columns), strict=True)
    return {
        users[begin]: _Past(Level(week_of[start], *level) if start >= oldest.start else None, weeks[begin:end])
        for (begin, end), (start, *level) in zip(pairwise(bounds), levels, strict=True)
    }


def _smoothed(history: pd.DataFrame, bounds: Sequence[int]) -> tuple[Floats, Floats]:
    """Levels and their errors given all later answers, too; a user's last is the state itself. Each of shape (n,).

    An estimate of before there were states (its prior is NaN) begins anew: nothing later tells about what came before.
    Users with equally many weeks are smoothed at once, each row of a block a week of theirs.
    """
    theta, se, prior_mean, prior_sd = (
        history[name].to_numpy(np.float64, copy=True) for name in ("theta", "se", "prior_mean", "prior_sd")
    )
    alike: dict[int, list[int]] = {}
    for begin, end in pairwise(bounds):
        begins = begin + int(np.flatnonzero(np.isnan(prior_sd[begin:end])).max(initial=0))
        alike.setdefault(end - begins, []).append(begins)
    for n_weeks, begins_of in alike.items():
        rows = np.arange(n_weeks)[:, None] + np.array(begins_of)
        smoothed = smooth(theta[rows], se[rows], prior_mean[rows], prior_sd[rows])
        theta[rows], se[rows] = smoothed.mean, smoothed.sd
    return theta, se
