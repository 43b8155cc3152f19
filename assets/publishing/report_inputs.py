"""What the reports of a week are made from: estimates out of the database and frozen answers, learner by learner."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import numpy as np
import pandas as pd

from resources.answers.answers import Answers
from resources.model import Floats, ItemBank, Week
from resources.reports.learner.percentile import standing
from resources.reports.learner.report_input import Level, ReportInput, WeekLevel
from resources.reports.learner.scale import Scale


def report_inputs(
    week: Week,
    members: Sequence[str],
    answers: Answers,
    history: pd.DataFrame,
    everybody: Floats,
    *,
    bank: ItemBank,
    scale: Scale,
    window_days: int,
) -> Iterator[ReportInput]:
    """Of those of `members` who answered in the week or have an estimate of it.

    `answers` are those that the week's look-back reaches, `history` the members' estimates up to the week in the order
    of users and weeks, `everybody` all thetas of the week, ascending, whoever is in this run.
    """
    window_of = answers.by_user()
    nothing = answers.take(np.zeros(0, np.int64))
    begins_at = np.datetime64(week.start, "us")
    past_of = _pasts(history, week)
    for user_id in members:
        past = past_of.get(user_id, _Past(None, ()))
        window = window_of.get(user_id, nothing)
        own = window.take(window.completed_at >= begins_at)
        if past.level is None and not len(own):
            continue
        yield ReportInput(
            user_id=user_id,
            week=week,
            level=past.level,
            standing=standing(everybody, past.level.theta, past.level.se) if past.level else None,
            history=past.weeks,
            answers=own,
            seen=frozenset(window.keys),
            bank=bank,
            scale=scale,
            as_of=week.ends_at,
            window_days=window_days,
        )


@dataclass(frozen=True)
class _Past:
    """A learner's estimates up to a week, ascending, and the week's own, None where it has none."""

    level: Level | None
    weeks: Sequence[WeekLevel]


def _pasts(history: pd.DataFrame, week: Week) -> dict[str, _Past]:
    """Each user's past, from a history in the order of users and weeks; without a frame per user, which takes longer
    than the report."""
    week_of = {start: Week(start) for start in history["week_start"].unique()}
    columns = ("week_start", "theta", "se", "n_items", "n_unknown_item", "n_unusable", "model", "version")
    rows = zip(
        history["user_id"].tolist(), zip(*(history[name].tolist() for name in columns), strict=True), strict=True
    )
    pasts = {}
    for user_id, of_user in groupby(rows, key=itemgetter(0)):
        own = [row for _, row in of_user]
        start, *level = own[-1]
        pasts[user_id] = _Past(
            Level(*level) if start == week.start else None,
            [WeekLevel(week_of[start], theta, se) for start, theta, se, *_ in own],
        )
    return pasts
