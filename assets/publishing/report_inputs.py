"""What the reports of a week are made from: estimates out of the database and frozen answers, learner by learner.

Stays out: what follows from the answers (`findings`), which takes longer than all of this.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import pandas as pd

from resources import calendar
from resources.answers.answers import Answers
from resources.irt.growth.smoothing import smooth
from resources.model import Absentees, Floats, Goal, ItemBank, ItemCatalogue, Week
from resources.reports.learner.percentile import standings
from resources.reports.learner.report_input import GroupMovement, Level, ReportInput, Scored, WeekLevel
from resources.reports.learner.scale import Scale
from resources.reports.learner.sections.level import MIN_ANSWERS


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
    absentees: Absentees = "short",
    names: Mapping[str, str] = MappingProxyType({}),
    goals: Mapping[str, Goal] = MappingProxyType({}),
    group: GroupMovement = GroupMovement(),  # noqa: B008 - a tuple
) -> Iterator[ReportInput]:
    """Of those of `members` who answered in the week, or have a level to show that is not older than `window_days`
    unless there are to be no reports of `absentees`.

    `answers` are those of the last weeks, `counted` those of them and of the first that count for ability; `history`
    the members' estimates up to the week in the order of users and weeks, `everybody` the thetas to stand among,
    ascending; `names` are what people call them; `group` is how all learners moved, for those who have one of the
    `goals`.
    """
    window_of = answers.by_user()
    nothing = answers.take(np.zeros(0, np.int64))
    begins_at = calendar.as_numpy(week.begins_at)
    past_of = _pasts(history, Week.containing(week.ends_at - dt.timedelta(days=window_days)))
    scored = _scored(week, members, counted, bank, items)
    levels = {user_id: past.level for user_id, past in past_of.items() if past.level}
    theta, se = (np.array([getattr(level, name) for level in levels.values()]) for name in ("theta", "se"))
    standing_of = dict(zip(levels, standings(everybody, theta, se), strict=True))
    for place, user_id in enumerate(members):
        past = past_of.get(user_id, _Past(None, ()))
        window = window_of.get(user_id, nothing)
        own = window.take(window.completed_at >= begins_at)
        absent = not len(own)
        if absent and (absentees == "none" or past.level is None or past.level.n_items < MIN_ANSWERS):
            continue  # a page without a word on it
        yield ReportInput(
            user_id=user_id,
            week=week,
            level=past.level,
            standing=standing_of.get(user_id),
            history=past.weeks,
            answers=own,
            seen=frozenset(window.keys),
            bank=bank,
            scale=scale,
            as_of=week.ends_at,
            window_days=window_days,
            items=items,
            brief=absent and absentees == "short",
            last_answered_at=window.completed_at.max().item().replace(tzinfo=dt.UTC) if len(window) else None,
            scored=scored[place],
            name=names.get(user_id),
            goal=goals.get(user_id),
            group=group if user_id in goals else GroupMovement(),
        )


def _scored(week: Week, members: Sequence[str], counted: Answers, bank: ItemBank, items: ItemCatalogue) -> list[Scored]:
    """Each member's answers to items of the bank."""
    answers = counted.of_users(members)
    place = np.array([bank.place.get(key, -1) for key in answers.item_keys], np.int64)[answers.item]
    rows = np.flatnonzero((place >= 0) & ~np.isnan(answers.correct))
    rows = rows[np.argsort(answers.user[rows], kind="stable")]
    # As `ReportInput.topic_of`: by places in one list of what answers, the file of items and the bank tell.
    told, known = [items.of(key).topic for key in answers.item_keys], map(bank.topics.get, answers.item_keys)
    names = np.array([*answers.topic_ids, *told, *known], dtype=object)
    of_told, of_known = (len(answers.topic_ids) + n * len(answers.item_keys) + answers.item for n in (0, 1))
    by_file = np.array([topic is not None for topic in told], dtype=bool)[answers.item]
    name = np.where(by_file, of_told, np.where(answers.topic >= 0, answers.topic, of_known))
    weeks_ago = (calendar.as_numpy(week.ends_at) - answers.completed_at[rows]) / np.timedelta64(1, "W")
    ends = np.cumsum(np.bincount(answers.user[rows], minlength=len(members)))[:-1]
    columns = (place[rows], answers.correct[rows].astype(np.int64), weeks_ago, names[name[rows]])
    return [
        Scored(item, correct, ago, topics.tolist())
        for item, correct, ago, topics in zip(*(np.split(column, ends) for column in columns), strict=True)
    ]


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
