"""An invented exam with known abilities: what a weekly run ought to find out, beside what it is given.

The responses are drawn from the two-parameter model at each learner's ability of that moment. A learner meets the
items in an order of their own, nearly all of them new, because a week's estimate rests on first attempts of 30 days.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from resources.ingest.response_file import ResponseFile, from_table
from resources.model import SYNTHETIC, Floats, Ints, Week

EXAM_ID = f"{SYNTHETIC}exam"
TOPICS = ("Algebra", "Fractions", "Functions", "Geometry", "Probability", "Statistics")
ITEMS_PER_TOPIC = 60  # 360 in all: a keen learner meets some 300 in eight weeks

_SESSIONS = (0.10, 0.20, 0.35, 0.35)  # of a week with any: how often 1, 2, 3 or 4
_SIZES = (7, 21)  # answers in a session
_ABSENT = 0.06  # weeks missed
_HURRIED = 25  # every so many, a learner who misses half the weeks and answers 1 to 4 items in one session
_REPEAT = 0.2  # answers to an item met before; each time before makes it easier by:
_REMEMBERED = 0.8  # logits
_NOT_ANSWERED = 0.01
_NOT_TIMED = 0.02
_LONGEST_MS = 300_000  # 21 such answers, begun by eight in the evening, end on the same day
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class SyntheticExam:
    """`responses` has the columns of a file of responses; `abilities` (user_id, week_start, theta) the true ability in
    logits at each week's end; `items` (item_id, topic, a, b) the true parameters."""

    responses: pd.DataFrame
    abilities: pd.DataFrame
    items: pd.DataFrame

    def as_file(self) -> ResponseFile:
        """The responses, checked as a person's file would be: ready for ingest."""
        return from_table(pa.Table.from_pandas(self.responses, preserve_index=False), "the synthetic exam")


class Recovery(NamedTuple):
    """How near estimates come to the truth: Pearson correlation, RMSE in logits, and how many were compared."""

    correlation: float
    rmse: float
    n: int


@dataclass(frozen=True)
class _Answers:
    """Who answers when, one entry per answer in order of learner and time: index of learner and week, the session's
    number in the learner's life (from 1), its start in ms since the first week began, and its length."""

    learner: Ints
    week: Ints
    session: Ints
    session_start_ms: Ints
    session_size: Ints


def synthetic_exam(seed: int, first_week: Week, n_users: int = 200, n_weeks: int = 8) -> SyntheticExam:
    """The same exam for the same arguments; about 37 answers per learner and week."""
    rng = np.random.default_rng(seed)
    items = _items(rng)
    abilities = _abilities(rng, n_users, n_weeks)
    answers = _calendar(rng, n_users, n_weeks)
    item, attempt_no = _met(rng, answers, len(items))
    rt_ms = _response_times(rng, answers, item, len(items))
    answered_ms = answers.session_start_ms + _since_session_start(answers, rt_ms + rng.integers(800, 8_000, rt_ms.size))

    into_week = answered_ms / (7 * _DAY_MS) - answers.week
    before, after = abilities[answers.learner, answers.week], abilities[answers.learner, answers.week + 1]
    theta = before + into_week * (after - before)
    logit = items["a"].to_numpy()[item] * (theta - items["b"].to_numpy()[item]) + _REMEMBERED * (attempt_no - 1)
    correct = pd.array(rng.random(item.size) < 1 / (1 + np.exp(-logit)), dtype="boolean")
    correct[rng.random(item.size) < _NOT_ANSWERED] = pd.NA
    timed = pd.array(rt_ms, dtype="Int32")
    timed[rng.random(item.size) < _NOT_TIMED] = pd.NA

    user_ids = np.array([f"{SYNTHETIC}{number:04d}" for number in range(1, n_users + 1)], dtype=object)
    session_ids = [f"{user_ids[u]}-s{s:02d}" for u, s in zip(answers.learner, answers.session, strict=True)]
    responses = pd.DataFrame(
        {
            "user_id": user_ids[answers.learner],
            "session_id": session_ids,
            "item_id": items["item_id"].to_numpy()[item],
            "correct": correct,
            "answered_at": pd.Timestamp(first_week.begins_at) + pd.to_timedelta(answered_ms, unit="ms"),
            "response_time_ms": timed,
            "topic": items["topic"].to_numpy()[item],
            "attempt_no": attempt_no.astype(np.int32),
        }
    )
    return SyntheticExam(responses, _by_week(abilities, user_ids, first_week), items)


def recovery(truth: pd.DataFrame, estimates: pd.DataFrame) -> Recovery:
    """Estimates against the truth wherever both have the user and week (columns user_id, week_start, theta)."""
    both = truth.merge(estimates, on=["user_id", "week_start"], suffixes=("_true", "_estimated"))
    true, estimated = both["theta_true"].to_numpy(np.float64), both["theta_estimated"].to_numpy(np.float64)
    if true.size < 2:
        return Recovery(np.nan, np.nan, true.size)
    return Recovery(
        float(np.corrcoef(true, estimated)[0, 1]), float(np.sqrt(np.mean((estimated - true) ** 2))), true.size
    )


def _items(rng: np.random.Generator) -> pd.DataFrame:
    names = [(topic, number) for topic in TOPICS for number in range(1, ITEMS_PER_TOPIC + 1)]
    return pd.DataFrame(
        {
            "item_id": [f"{SYNTHETIC}{topic.lower()}-{number:02d}" for topic, number in names],
            "topic": [topic for topic, _ in names],
            "a": rng.lognormal(0.1, 0.3, len(names)),
            "b": rng.normal(0.0, 1.1, len(names)),
        }
    )


def _abilities(rng: np.random.Generator, n_users: int, n_weeks: int) -> Floats:
    """Logits at the start and at each week's end, (n_users, n_weeks + 1): most learners grow, one in six falls."""
    start = rng.normal(-0.3, 1.0, (n_users, 1))
    a_week = rng.normal(0.08, 0.08, (n_users, 1)) + rng.normal(0.0, 0.03, (n_users, n_weeks))
    return np.hstack([start, start + np.cumsum(a_week, axis=1)])


def _calendar(rng: np.random.Generator, n_users: int, n_weeks: int) -> _Answers:
    hurried = (np.arange(n_users) % _HURRIED == _HURRIED - 1)[:, None]
    shape = (n_users, n_weeks)
    sessions = np.where(hurried, 1, rng.choice(4, shape, p=_SESSIONS) + 1)
    sessions[rng.random(shape) < np.where(hurried, 0.5, _ABSENT)] = 0
    sessions[1:2, 2:4] = 0  # whatever the seed, the second learner is away in weeks 3 and 4
    days = np.sort(
        np.where(np.arange(7) < sessions[..., None], rng.permuted(np.tile(np.arange(7), (*shape, 1)), axis=2), 7)
    )
    learner, week, place = np.nonzero(days < 7)
    size = np.where(
        hurried[learner, 0], rng.integers(1, 5, learner.size), rng.integers(_SIZES[0], _SIZES[1] + 1, learner.size)
    )
    start_ms = (week * 7 + days[learner, week, place]) * _DAY_MS + rng.integers(
        7 * 3_600_000, 20 * 3_600_000, learner.size
    )
    number = _count_within(learner)
    return _Answers(*(np.repeat(column, size) for column in (learner, week, number, start_ms, size)))


def _met(rng: np.random.Generator, answers: _Answers, n_items: int) -> tuple[Ints, Ints]:
    """Which item each answer is to, and the how-manieth attempt at it: the next new one, or one met before."""
    item = np.empty(answers.learner.size, np.int64)
    again = rng.random(item.size) < _REPEAT
    place = rng.random(item.size)
    for mine in np.split(np.arange(item.size), np.flatnonzero(np.diff(answers.learner)) + 1):
        new = ~again[mine]
        new[:1] = True
        new &= np.cumsum(new) <= n_items
        met = np.cumsum(new)
        item[mine] = rng.permutation(n_items)[np.where(new, met - 1, (place[mine] * met).astype(np.int64))]
    pair = answers.learner * n_items + item
    order = np.argsort(pair, kind="stable")
    attempt_no = np.empty_like(item)
    attempt_no[order] = _count_within(pair[order])
    return item, attempt_no


def _response_times(rng: np.random.Generator, answers: _Answers, item: Ints, n_items: int) -> Ints:
    """Milliseconds, log-normal about 25 s; learners and items differ in their pace."""
    pace, length = rng.normal(0, 0.25, answers.learner.max(initial=0) + 1), rng.normal(0, 0.3, n_items)
    log_ms: Floats = np.log(25_000) + pace[answers.learner] + length[item] + rng.normal(0, 0.5, item.size)
    ms: Floats = np.minimum(np.exp(log_ms), _LONGEST_MS)
    return ms.astype(np.int64)


def _since_session_start(answers: _Answers, ms: Ints) -> Ints:
    """Each answer's time and those before it in its session, summed."""
    total = np.cumsum(ms)
    first = np.flatnonzero(np.diff(answers.session_start_ms, prepend=-1))
    before = np.repeat(total[first] - ms[first], answers.session_size[first])
    return total - before


def _count_within(groups: Ints) -> Ints:
    """1, 2, 3 … within each run of equal values."""
    first = np.flatnonzero(np.diff(groups, prepend=-1))
    run_start: Ints = np.repeat(first, np.diff(first, append=groups.size))
    return np.arange(groups.size) - run_start + 1


def _by_week(abilities: Floats, user_ids: NDArray[np.object_], first_week: Week) -> pd.DataFrame:
    n_users, n_weeks = abilities.shape[0], abilities.shape[1] - 1
    return pd.DataFrame(
        {
            "user_id": np.repeat(user_ids, n_weeks),
            "week_start": [first_week.plus(week).start for week in range(n_weeks)] * n_users,
            "theta": abilities[:, 1:].ravel(),
        }
    )
