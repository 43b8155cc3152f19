"""What an update on demand needs to know of its users, as of one instant and in one round trip.

The answers are those of the view `attempt`, as everywhere; `attempts` reads them in bulk, which costs ten times as much
for one user.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import numpy as np
import psycopg

from resources import calendar
from resources.answers.answers import Answers
from resources.answers.blanks import omitted
from resources.database.queries.estimates.current_abilities import StateBefore
from resources.database.queries.items.item_banks import ADOPTED_LAST
from resources.database.queries.sessions.ignored_learners import OF_A_LEARNER
from resources.irt.growth.states import Movement
from resources.model import Ints, Week

# The users are named in both selections of sessions, or all sessions would be taken apart. Instants as doubles: these
# hold microseconds until the year 2255, and become an array without an object each.
_READ: LiteralString = f"""
    SELECT asked.as_of, asked.version, asked.begins, sessions.bytes, states.*, steps.*, before.*, answers.*
    FROM (
        SELECT as_of, version, date_trunc(
                'week', (as_of - make_interval(days => %(lookback_days)s)) AT TIME ZONE %(zone)s
            ) AS begins, set_config('application_name', %(application_name)s, false)
        FROM (
            SELECT coalesce(%(as_of)s::timestamptz, statement_timestamp()) AS as_of,
                coalesce(%(version)s::text, ({ADOPTED_LAST})) AS version
        ) AS given
    ) AS asked
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(pg_column_size(result_json)), 0) AS bytes FROM exam_results
        WHERE user_id::text = ANY(%(user_ids)s::text[])
            AND (updated_at >= asked.begins AT TIME ZONE %(zone)s OR updated_at IS NULL)
            AND least(created_at, updated_at) < asked.as_of AND {OF_A_LEARNER}
    ) AS sessions
    CROSS JOIN LATERAL (
        SELECT array_agg(user_id), array_agg(week_start), array_agg(theta), array_agg(se), array_agg(n_items),
            array_agg(coalesce(fingerprint, ''))
        FROM unnest(%(user_ids)s::text[]) AS asked_user (asked_id)
        JOIN theta_estimates ON user_id = asked_id
        WHERE week_start < asked.as_of AT TIME ZONE %(zone)s AND week_start >= coalesce(
            (SELECT max(week_start) FROM theta_estimates
             WHERE user_id = asked_id AND week_start < asked.begins::date), '-infinity')
    ) AS states
    CROSS JOIN LATERAL (
        SELECT array_agg(week_start), array_agg(drift), array_agg(absence_drift), array_agg(tau),
            array_agg(newcomers_mean), array_agg(newcomers_sd)
        FROM population WHERE week_start >= coalesce(
            (SELECT max(week_start) FROM population WHERE week_start < asked.begins::date), '-infinity')
    ) AS steps
    CROSS JOIN LATERAL (
        SELECT array_agg(user_id), array_agg(item_key), array_agg(latest) FROM (
            SELECT user_id, item_key, max(week_start) AS latest FROM answered_items, unnest(item_keys) AS item_key
            WHERE user_id = ANY(%(user_ids)s::text[]) AND week_start < asked.begins::date GROUP BY user_id, item_key
        ) AS items
    ) AS before
    CROSS JOIN LATERAL (
        SELECT array_agg(user_id), array_agg(item_key), array_agg(correct), array_agg(date_part('epoch', completed_at)),
            array_agg(attempt_no), array_agg(session_id), array_agg(question_no), array_agg(exam_result_id)
        FROM attempt
        WHERE sessions.bytes <= %(most_bytes)s AND user_id = ANY(%(user_ids)s::text[]) AND exam_result_id IN (
            SELECT id::text FROM exam_results
            WHERE user_id::text = ANY(%(user_ids)s::text[])
                AND (updated_at >= asked.begins AT TIME ZONE %(zone)s OR updated_at IS NULL)
                AND least(created_at, updated_at) < asked.as_of AND {OF_A_LEARNER}
        )
    ) AS answers
"""  # noqa: S608 - put together from our own constants
_NO_LIMIT = 2**62
_FEW = 64


@dataclass(frozen=True)
class Answered:
    """Items that users answered before, and the last week of it: lists of equal length, a user by place."""

    users: Sequence[int]
    items: Sequence[str]
    weeks: Sequence[Week]


@dataclass(frozen=True)
class OnDemand:
    """What is known of users at `as_of`: the version of the item bank in force (None: there is none), and the answers
    of all sessions that reach into the look-back, from its first week on.

    `states` are each user's weekly states from then on and the last one before; `movements` the group's, likewise;
    `answered` is of the time before.
    """

    as_of: dt.datetime
    bank_version: str | None
    begins: Week
    states: Sequence[Mapping[Week, StateBefore]]
    movements: Mapping[Week, Movement]
    answered: Answered
    answers: Answers


def read(
    connection: psycopg.Connection[Any], user_ids: Sequence[str], lookback_days: int, *,
    as_of: dt.datetime | None = None, bank_version: str | None = None, application_name: str = "seedtest",
    most_bytes: int | None = None,
) -> OnDemand | None:  # fmt: skip
    """At `as_of`, by default the database's own now: one clock, however many ask. `bank_version` pins a bank. None
    where the sessions of these users, who are distinct, have more than `most_bytes`, as they are stored.

    The connection bears `application_name` from now on, so that the server's views and logs show for whom it works.
    """
    most = _NO_LIMIT if most_bytes is None else most_bytes
    values = {
        "user_ids": list(user_ids), "lookback_days": lookback_days, "as_of": as_of, "version": bank_version,
        "application_name": application_name, "most_bytes": most, "zone": calendar.zone().key,
    }  # fmt: skip
    # One plan for any few users; many have one for their number.
    row = connection.execute(_READ, values, prepare=len(user_ids) <= _FEW, binary=True).fetchone()
    assert row is not None  # noqa: S101 - aggregates have one row
    at, version, begins, n_bytes, *rest = row
    if n_bytes > most:
        return None
    states, steps, before, answers = rest[:6], rest[6:12], rest[12:15], rest[15:]
    place = {user_id: i for i, user_id in enumerate(user_ids)}
    of_user: list[dict[Week, StateBefore]] = [{} for _ in user_ids]
    for user_id, start, theta, se, n, made in _rows(states):
        week = Week(start)
        of_user[place[user_id]][week] = StateBefore(theta, se, week, n, made)
    users, items, latest = ((column or ()) for column in before)
    return OnDemand(
        at, version, Week(begins.date()), of_user,
        {Week(week): Movement(*step) for week, *step in _rows(steps)},
        Answered([place[user_id] for user_id in users], items, [Week(week) for week in latest]),
        _answers(place, *((of or ()) for of in answers)),
    )  # fmt: skip


def _rows(columns: Sequence[Sequence[Any] | None]) -> Iterator[tuple[Any, ...]]:
    """Rows of aggregated columns; none where nothing was aggregated."""
    return zip(*((column or ()) for column in columns), strict=True)


def _answers(
    place: Mapping[str, int], users: Sequence[str], items: Sequence[str], correct: Sequence[bool | None],
    completed_at: Sequence[float], attempt_no: Sequence[int], sessions: Sequence[str | None],
    question_no: Sequence[int], exam_results: Sequence[str],
) -> Answers:  # fmt: skip
    """Without topics, times and hints, which no estimate asks for."""
    n = len(items)
    right = np.array(correct, np.float64)  # None is NaN
    exam_result, _ = _encoded(exam_results, dict.fromkeys(exam_results))
    item, item_keys = _encoded(items, dict.fromkeys(items))
    session, session_ids = _encoded(sessions, sorted({session for session in sessions if session is not None}))
    since_1970_us = np.rint(np.array(completed_at, np.float64) * 1e6).astype(np.int64)
    unknown = np.full(n, np.nan)
    return Answers(
        user_ids=tuple(place), item_keys=item_keys, user=np.array([place[user_id] for user_id in users], np.int64),
        item=item, correct=right, session_ids=session_ids, topic_ids=(),
        completed_at=since_1970_us.view("datetime64[us]"), attempt_no=np.array(attempt_no, np.int64), session=session,
        topic=np.full(n, -1, np.int64), response_time_ms=unknown, hint_used=unknown,
        omitted=omitted(right, np.array(question_no, np.int64), exam_result),
    )  # fmt: skip


def _encoded(values: Sequence[str | None], distinct: Any) -> tuple[Ints, tuple[str, ...]]:
    """The place of each value among the distinct ones, -1 of None."""
    places = {value: i for i, value in enumerate(distinct)}
    return np.array([-1 if value is None else places[value] for value in values], np.int64), tuple(places)
