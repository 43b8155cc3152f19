"""What an update on demand needs to know of one user, as of one instant and in one round trip.

The answers are those of the view `attempt`, as everywhere; `attempts` reads them in bulk, which costs ten times as much
for one user.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import numpy as np
import sqlalchemy as sa

from resources.answers.answers import Answers
from resources.answers.blanks import omitted
from resources.database.queries.abilities import StateBefore
from resources.database.queries.item_banks import ADOPTED_LAST
from resources.irt.growth.states import Movement
from resources.model import Ints, Week

# The user is named in both selections, or all sessions would be taken apart.
_READ: LiteralString = f"""
    SELECT asked.as_of, asked.version, asked.begins, states.*, steps.*, before.*, answers.*
    FROM (
        SELECT as_of, version, date_trunc('week', (as_of - make_interval(days => %(lookback_days)s)) AT TIME ZONE 'UTC')
            AS begins, set_config('application_name', %(application_name)s, false)
        FROM (
            SELECT coalesce(%(as_of)s::timestamptz, statement_timestamp()) AS as_of,
                coalesce(%(version)s::text, ({ADOPTED_LAST})) AS version
        ) AS given
    ) AS asked
    CROSS JOIN LATERAL (
        SELECT array_agg(week_start ORDER BY week_start), array_agg(theta ORDER BY week_start),
            array_agg(se ORDER BY week_start), array_agg(n_items ORDER BY week_start),
            array_agg(coalesce(fingerprint, '') ORDER BY week_start)
        FROM theta_estimates
        WHERE user_id = %(user_id)s AND week_start < asked.as_of AT TIME ZONE 'UTC' AND week_start >= coalesce(
            (SELECT max(week_start) FROM theta_estimates
             WHERE user_id = %(user_id)s AND week_start < asked.begins::date), '-infinity')
    ) AS states
    CROSS JOIN LATERAL (
        SELECT array_agg(week_start), array_agg(drift), array_agg(absence_drift), array_agg(tau),
            array_agg(newcomers_mean), array_agg(newcomers_sd)
        FROM population WHERE week_start >= coalesce(
            (SELECT max(week_start) FROM population WHERE week_start < asked.begins::date), '-infinity')
    ) AS steps
    CROSS JOIN LATERAL (
        SELECT array_agg(item_key), array_agg(latest) FROM (
            SELECT item_key, max(week_start) AS latest FROM answered_items, unnest(item_keys) AS item_key
            WHERE user_id = %(user_id)s AND week_start < asked.begins::date GROUP BY item_key
        ) AS items
    ) AS before
    CROSS JOIN LATERAL (
        SELECT array_agg(item_key), array_agg(correct), array_agg(completed_at AT TIME ZONE 'UTC'),
            array_agg(attempt_no), array_agg(session_id), array_agg(question_no), array_agg(exam_result_id)
        FROM attempt
        WHERE user_id = %(user_id)s AND exam_result_id IN (
            SELECT id::text FROM exam_results
            WHERE user_id::text = %(user_id)s
                AND (updated_at >= asked.begins AT TIME ZONE 'UTC' OR updated_at IS NULL)
                AND least(created_at, updated_at) < asked.as_of
        )
    ) AS answers
"""  # noqa: S608 - put together from our own constants


@dataclass(frozen=True)
class OnDemand:
    """What is known of a user at `as_of`: the version of the item bank in force (None: there is none), and the answers
    of all sessions that reach into the look-back, from its first week on.

    `states` are the user's weekly states from then on and the last one before; `movements` the group's, likewise;
    `answered` are the items that the user answered before, and the last week of it.
    """

    as_of: dt.datetime
    bank_version: str | None
    begins: Week
    states: Mapping[Week, StateBefore]
    movements: Mapping[Week, Movement]
    answered: Mapping[str, Week]
    answers: Answers


def read(
    connection: sa.Connection, user_id: str, lookback_days: int, *,
    as_of: dt.datetime | None = None, bank_version: str | None = None, application_name: str = "seedtest",
) -> OnDemand:  # fmt: skip
    """At `as_of`, by default the database's own now: one clock, however many ask. `bank_version` pins a bank.

    The connection bears `application_name` from now on, so that the server's views and logs show for whom it works.
    """
    values = {
        "user_id": user_id, "lookback_days": lookback_days, "as_of": as_of, "version": bank_version,
        "application_name": application_name,
    }  # fmt: skip
    at, version, begins, *rest = connection.exec_driver_sql(_READ, values).one()
    states, steps, (answered, latest), answers = rest[:5], rest[5:11], rest[11:13], rest[13:]
    return OnDemand(
        at, version, Week(begins.date()),
        {week: StateBefore(theta, se, week, n, made) for week, theta, se, n, made in _rows(states)},
        {week: Movement(*step) for week, *step in _rows(steps)},
        dict(zip(answered or (), map(Week, latest or ()), strict=True)),
        _answers(user_id, *((of or ()) for of in answers)),
    )  # fmt: skip


def _rows(columns: Sequence[Sequence[Any] | None]) -> Iterator[tuple[Any, ...]]:
    """Rows of aggregated columns, the first of which names a week; none where nothing was aggregated."""
    weeks, *values = ((column or ()) for column in columns)
    return zip(map(Week, weeks), *values, strict=True)


def _answers(
    user_id: str, items: Sequence[str], correct: Sequence[bool | None], completed_at: Sequence[dt.datetime],
    attempt_no: Sequence[int], sessions: Sequence[str | None], question_no: Sequence[int], exam_results: Sequence[str],
) -> Answers:  # fmt: skip
    """Without topics, times and hints, which no estimate asks for."""
    n = len(items)
    right = np.array(correct, np.float64)  # None is NaN
    exam_result, _ = _encoded(exam_results, dict.fromkeys(exam_results))
    item, item_keys = _encoded(items, dict.fromkeys(items))
    session, session_ids = _encoded(sessions, sorted({session for session in sessions if session is not None}))
    return Answers(
        user_ids=(user_id,), item_keys=item_keys, user=np.zeros(n, np.int64), item=item,
        correct=right,
        session_ids=session_ids, topic_ids=(), completed_at=np.array(completed_at, "datetime64[us]"),
        attempt_no=np.array(attempt_no, np.int64), session=session, topic=np.full(n, -1, np.int64),
        response_time_ms=np.full(n, np.nan), hint_used=np.full(n, np.nan),
        omitted=omitted(right, np.array(question_no, np.int64), exam_result),
    )  # fmt: skip


def _encoded(values: Sequence[str | None], distinct: Iterable[str]) -> tuple[Ints, tuple[str, ...]]:
    """The place of each value among the distinct ones, -1 of None."""
    places = {value: i for i, value in enumerate(distinct)}
    return np.array([-1 if value is None else places[value] for value in values], np.int64), tuple(places)
