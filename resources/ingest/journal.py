"""What each loaded file wrote: which sessions, and what stood there before. So a file can be taken back by its name.

The caller's transaction is the one in force.
"""

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from resources.errors import InvalidInput

NOTHING_CHANGED = "Nothing was changed."
# An answer is the same if item and instant are, and the attempt's number wherever both have one.
SAME_ANSWER = (
    "old.q ->> 'question_id' = new.q ->> 'question_id' AND old.q ->> 'answered_at' = new.q ->> 'answered_at' "
    "AND coalesce(old.q ->> 'attempt_no' = new.q ->> 'attempt_no', true)"
)
_SAME_ITEM = (
    "old.q ->> 'question_id' = new.q ->> 'question_id' "
    "AND coalesce(old.q ->> 'attempt_no' = new.q ->> 'attempt_no', true)"
)
_CHANGES = """
    SELECT coalesce(sum(added), 0)::bigint, coalesce(sum(changed), 0)::bigint, coalesce(sum(removed), 0)::bigint,
        coalesce(sum(again), 0)::bigint
    FROM (
        SELECT r.result_json::jsonb -> 'questions' AS now, j.before -> 'result_json' -> 'questions' AS before
        FROM ingested_sessions j JOIN exam_results r ON r.user_id = j.user_id AND r.session_id = j.session_id
        WHERE j.load_no = %(load_no)s AND j.before IS NOT NULL
    ) AS session
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE NOT known) AS added, count(*) FILTER (WHERE known AND NOT alike) AS changed,
            count(*) FILTER (WHERE NOT known AND met) AS again
        FROM jsonb_array_elements(session.now) AS new(q)
        CROSS JOIN LATERAL (
            SELECT coalesce(bool_or({same}), false) AS known, coalesce(bool_or(old.q = new.q), false) AS alike,
                coalesce(bool_or({same_item}), false) AS met
            FROM jsonb_array_elements(session.before) AS old(q)
        ) AS before
    ) AS of_new
    CROSS JOIN LATERAL (
        SELECT count(*) AS removed FROM jsonb_array_elements(session.before) AS old(q)
        WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(session.now) AS new(q) WHERE {same})
    ) AS of_old
""".replace("{same}", SAME_ANSWER).replace("{same_item}", _SAME_ITEM)
# The same sitting under another learner: an id of a session, and in it the same question at the same time.
_UNDER_ANOTHER_LEARNER = """
    SELECT count(*) FROM ingested_sessions j
    JOIN exam_results mine ON mine.user_id = j.user_id AND mine.session_id = j.session_id
    JOIN exam_results other ON other.session_id = j.session_id AND other.user_id <> j.user_id
    WHERE j.load_no = %(load_no)s AND j.before IS NULL
      AND other.result_json::jsonb -> 'questions' @> jsonb_build_array(jsonb_build_object(
            'question_id', mine.result_json::jsonb -> 'questions' -> 0 -> 'question_id',
            'answered_at', mine.result_json::jsonb -> 'questions' -> 0 -> 'answered_at'))
"""
_CHANGED_SINCE = """
    SELECT j.user_id, j.session_id, later.name
    FROM ingested_sessions j
    JOIN exam_results r ON r.user_id = j.user_id AND r.session_id = j.session_id
    LEFT JOIN LATERAL (
        SELECT f.name FROM ingested_sessions l JOIN ingested_files f USING (load_no)
        WHERE l.load_no > j.load_no AND l.user_id = j.user_id AND l.session_id = j.session_id
        ORDER BY load_no DESC LIMIT 1
    ) AS later ON true
    WHERE j.load_no = %(load_no)s AND jsonb_hash_extended(r.result_json::jsonb, 0) IS DISTINCT FROM j.after
"""
_REMOVE = """
    DELETE FROM exam_results r USING ingested_sessions j
    WHERE j.load_no = %(load_no)s AND j.before IS NULL AND r.user_id = j.user_id AND r.session_id = j.session_id
"""
_RESTORE = """
    UPDATE exam_results r
    SET result_json = j.before -> 'result_json', created_at = (j.before ->> 'created_at')::timestamptz,
        updated_at = (j.before ->> 'updated_at')::timestamptz
    FROM ingested_sessions j
    WHERE j.load_no = %(load_no)s AND j.before IS NOT NULL AND r.user_id = j.user_id AND r.session_id = j.session_id
"""


@dataclass(frozen=True)
class Changes:
    """Of the answers in sessions that were there before: `again` are those of `added` to an item that its session held
    already, at another time; `moved` are new sessions that stand under another learner, too."""

    added: int
    changed: int
    removed: int
    again: int
    moved: int


@dataclass(frozen=True)
class Undone:
    """What was taken back: the newest load of `name`, its new sessions `removed` and others `restored`; `earlier` loads
    of the same name are still there."""

    name: str
    loaded_at: dt.datetime
    removed: int
    restored: int
    earlier: int


def begin(connection: sa.Connection, name: str) -> int:
    """The number of a new load."""
    query = "INSERT INTO ingested_files (name, loaded_at) VALUES (%(name)s, clock_timestamp()) RETURNING load_no"
    return int(connection.exec_driver_sql(query, {"name": name}).scalar_one())


def end(connection: sa.Connection, load_no: int, *, is_first: bool) -> Changes:
    """What the load has changed; one that changed nothing leaves no trace. Before the first one nothing was there."""
    load = {"load_no": load_no}
    connection.exec_driver_sql(
        "DELETE FROM ingested_files f WHERE load_no = %(load_no)s "
        "AND NOT EXISTS (SELECT FROM ingested_sessions s WHERE s.load_no = f.load_no)",
        load,
    )
    if is_first:
        return Changes(0, 0, 0, 0, 0)
    connection.exec_driver_sql("ANALYZE ingested_sessions (load_no)")
    added, changed, removed, again = connection.exec_driver_sql(_CHANGES, load).one()
    moved = connection.exec_driver_sql(_UNDER_ANOTHER_LEARNER, load).scalar_one()
    return Changes(added, changed, removed, again, moved)


def undo(connection: sa.Connection, name: str) -> Undone:
    """Take the newest load of the file `name` back: every session is as it was before.

    Raises:
        InvalidInput: no such file was loaded, or its sessions were changed since.
    """
    query = "SELECT load_no, loaded_at FROM ingested_files WHERE name = %(name)s ORDER BY load_no DESC"
    loads = connection.exec_driver_sql(query, {"name": name}).all()
    if not loads:
        raise InvalidInput(f"No file {name} was loaded", remedy=_known_names(connection), outcome=NOTHING_CHANGED)
    load = {"load_no": loads[0].load_no}
    changed = connection.exec_driver_sql(_CHANGED_SINCE, load).all()
    if changed:
        first = changed[0]
        remedy = f"take {first.name} back first." if first.name else "the platform, or a person, wrote it anew."
        raise InvalidInput(
            f"{len(changed):,} sessions of {name} were changed since, such as {first.session_id!r} of "
            f"{first.user_id!r}", remedy=remedy, outcome=NOTHING_CHANGED,
        )  # fmt: skip
    removed = connection.exec_driver_sql(_REMOVE, load).rowcount
    restored = connection.exec_driver_sql(_RESTORE, load).rowcount
    for table in ("ingested_sessions", "ingested_files"):
        connection.exec_driver_sql(f"DELETE FROM {table} WHERE load_no = %(load_no)s", load)  # noqa: S608 - our own names
    return Undone(name, loads[0].loaded_at, removed, restored, len(loads) - 1)


def _known_names(connection: sa.Connection) -> str:
    query = "SELECT name FROM ingested_files GROUP BY name ORDER BY max(load_no) DESC LIMIT 10"
    names = connection.exec_driver_sql(query).scalars().all()
    return f"the last ones were {', '.join(names)}." if names else "none was, since files are kept account of."
