"""Responses into `exam_results`: one row per session of a user, all of a file or nothing, and never an answer twice.

A session that is already there is completed with the answers it lacks. Only what was ingested is ever changed: a
session that the platform wrote stays as the platform wrote it.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from dataclasses import replace as updated

import pyarrow.compute as pc
import sqlalchemy as sa
from psycopg import errors
from sqlalchemy.exc import DBAPIError

from resources.database import locks
from resources.database.queries.sessions import attempts
from resources.database.staging import stage
from resources.errors import InvalidInput, OperatorRequired
from resources.ingest import journal
from resources.ingest.checking.faults import NOTHING_LOADED, Faults, Mistake
from resources.ingest.checking.identifiers import one_way
from resources.ingest.journal import SAME_ANSWER, Changes
from resources.ingest.response_file import ResponseFile
from resources.ingest.session_json import INGESTED_BY, session_batches

_LOCK = "seedtest ingest"
_BATCH = 20_000  # responses; a few megabytes of JSON at once, and a progress bar that moves

_INCOMING = """
    user_id text, session_id text, result_json jsonb, created_at timestamptz, updated_at timestamptz, n_responses bigint
"""
# What the file says of an answer is put over what is stored of it; `@>` finds nothing to do without taking the session
# apart. Answers of one instant stand in the file's order, after those that it does not have. Where the file replaces,
# its session stands for what is stored.
_MERGE = """
    WITH matched AS MATERIALIZED (
        SELECT i.*, r.id, r.result_json::jsonb AS stored,
            jsonb_build_object('result_json', r.result_json::jsonb, 'created_at', r.created_at,
                'updated_at', r.updated_at) AS before
        FROM incoming i LEFT JOIN exam_results r ON r.user_id = i.user_id AND r.session_id = i.session_id
    ), completed AS (
        UPDATE exam_results r
        SET result_json = CASE WHEN %(replace)s THEN m.result_json
            ELSE m.result_json || jsonb_build_object('questions', (
                SELECT jsonb_agg(q ORDER BY q ->> 'answered_at', old_no, new_no)
                FROM (
                    SELECT coalesce(old.q, '{}') || new.q, new.no, NULL
                    FROM jsonb_array_elements(m.result_json -> 'questions') WITH ORDINALITY AS new(q, no)
                    LEFT JOIN jsonb_array_elements(stored -> 'questions') AS old(q) ON {same}
                    UNION ALL
                    SELECT old.q, NULL, old.no
                    FROM jsonb_array_elements(stored -> 'questions') WITH ORDINALITY AS old(q, no)
                    WHERE NOT EXISTS (
                        SELECT FROM jsonb_array_elements(m.result_json -> 'questions') AS new(q) WHERE {same}
                    )
                ) AS merged(q, new_no, old_no)
            )) END,
            created_at = CASE WHEN %(replace)s THEN m.created_at ELSE least(r.created_at, m.created_at) END,
            updated_at = CASE WHEN %(replace)s THEN m.updated_at ELSE greatest(r.updated_at, m.updated_at) END
        FROM matched m
        WHERE r.id = m.id AND stored ->> 'ingested_by' = %(ingested_by)s
            AND CASE WHEN %(replace)s THEN stored <> m.result_json ELSE NOT stored @> m.result_json END
        RETURNING m.user_id, m.session_id, m.before, r.result_json::jsonb AS after
    ), added AS (
        INSERT INTO exam_results (user_id, session_id, exam_id, status, result_json, created_at, updated_at)
        SELECT user_id, session_id, %(exam_id)s, 'completed', result_json, created_at, updated_at
        FROM matched WHERE id IS NULL
        RETURNING user_id::text, session_id::text, NULL::jsonb, result_json::jsonb
    ), noted AS (
        INSERT INTO ingested_sessions (load_no, user_id, session_id, before, after)
        SELECT %(load_no)s, user_id, session_id, before, jsonb_hash_extended(after, 0)
        FROM (SELECT * FROM completed UNION ALL SELECT * FROM added) AS written
    )
    SELECT (SELECT count(*) FROM added),
           (SELECT count(*) FROM completed),
           theirs.sessions, theirs.responses
    FROM (
        SELECT count(*) AS sessions, coalesce(sum(n_responses), 0)::bigint AS responses
        FROM (
            SELECT DISTINCT user_id, session_id, n_responses FROM matched
            WHERE id IS NOT NULL AND stored ->> 'ingested_by' IS DISTINCT FROM %(ingested_by)s
        ) AS session
    ) AS theirs
""".replace("{same}", SAME_ANSWER)
_LEAVE_OUT_IGNORED = """
    WITH left_out AS (
        DELETE FROM incoming USING ignored_learners WHERE incoming.user_id = ignored_learners.user_id
        RETURNING n_responses
    )
    SELECT count(*), coalesce(sum(n_responses), 0)::bigint FROM left_out
"""
_UNFILLED = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = 'exam_results'::regclass AND attnum > 0 AND NOT attisdropped
      AND attnotnull AND NOT atthasdef AND attidentity = ''
      AND attname NOT IN ('user_id', 'session_id', 'exam_id', 'status', 'result_json', 'created_at', 'updated_at')
    ORDER BY attnum
"""
_REFUSALS = (
    errors.DataError, errors.IntegrityError, errors.DatatypeMismatch, errors.UndefinedColumn, errors.UndefinedFunction,
)  # fmt: skip


@dataclass(frozen=True)
class Ingested:
    """What became of a file's sessions: `new`, `grown` (completed, or replaced), `unchanged` (all was there),
    `foreign` (the platform's own, left as they are; `foreign_responses` are the file's answers to those) and `ignored`
    (of learners who were forgotten, likewise). `changes` says more of what was there before."""

    responses: int
    new: int = 0
    grown: int = 0
    unchanged: int = 0
    foreign: int = 0
    foreign_responses: int = 0
    ignored: int = 0
    ignored_responses: int = 0
    changes: Changes = field(default=Changes(0, 0, 0, 0, 0), compare=False)


def ingest(
    connection: sa.Connection,
    file: ResponseFile,
    exam_id: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    replace: bool = False,
) -> Ingested:
    """Store the file's sessions; `progress` hears of the responses done and of all. The caller's transaction decides.

    With `replace` the file is the truth for its sessions: what it does not have of them is gone.

    Raises:
        OperatorRequired: `exam_results` has a column that must be filled and that ingest knows nothing of.
        InvalidInput: the table refuses a value, or a learner's id is a known one written differently.
    """
    _require_defaults(connection)
    locks.hold(connection, _LOCK)  # two ingests of one session would both find it missing
    total, done, result = file.n_responses, 0, Ingested(file.n_responses)
    known_before = set(attempts.users(connection))
    load_no = journal.begin(connection, file.name)
    parameters = {"exam_id": exam_id, "ingested_by": INGESTED_BY, "replace": replace, "load_no": load_no}
    with _refusals(file.name):
        for sessions in (batch for part in file.parts() for batch in session_batches(part, _BATCH)):
            stage(connection, "incoming", _INCOMING, "user_id, session_id", sessions)
            ignored, ignored_responses = connection.exec_driver_sql(_LEAVE_OUT_IGNORED).one()
            new, grown, foreign, foreign_responses = connection.exec_driver_sql(_MERGE, parameters).one()
            result = updated(
                result,
                new=result.new + new,
                grown=result.grown + grown,
                unchanged=result.unchanged + sessions.num_rows - ignored - new - grown - foreign,
                foreign=result.foreign + foreign,
                foreign_responses=result.foreign_responses + foreign_responses,
                ignored=result.ignored + ignored,
                ignored_responses=result.ignored_responses + ignored_responses,
            )
            done += pc.sum(sessions["n_responses"]).as_py()
            progress(done, total)
    _require_one_way(known_before, attempts.users(connection), file.name)
    return updated(result, changes=journal.end(connection, load_no, is_first=not known_before))


def undo(connection: sa.Connection, name: str) -> journal.Undone:
    """Take the newest load of the file `name` back; as `journal.undo`, and after whoever loads now."""
    locks.hold(connection, _LOCK)
    with _refusals(name):
        return journal.undo(connection, name)


def _require_one_way(known_before: Set[str], known: Sequence[str], name: str) -> None:
    """Raises InvalidInput where a learner who is new is one who was there before, written differently."""
    before = {one_way(user_id): user_id for user_id in known_before}
    faults = Faults(name)
    for number, user_id in enumerate(user_id for user_id in known if user_id not in known_before):
        if (there := before.get(one_way(user_id))) is not None:
            what = f"{user_id!a} is another id written differently: {there!a}, of earlier answers. Write it in one way."
            faults.add("column user_id: is another id of earlier answers written differently", 1, [
                Mistake(0, number, f"{name}, column user_id", what)
            ])  # fmt: skip
    faults.check()


def _require_defaults(connection: sa.Connection) -> None:
    unfilled = connection.exec_driver_sql(_UNFILLED).scalars().all()
    if unfilled:
        raise OperatorRequired(
            f"exam_results.{unfilled[0]} must be filled and has no default, so no row can be added there.",
            remedy="Let the platform write its own sessions, or give the column a default.",
            outcome=NOTHING_LOADED,
        )


@contextmanager
def _refusals(name: str) -> Iterator[None]:
    """A constraint or type of a platform's own exam_results, as a sentence."""
    try:
        yield
    except DBAPIError as error:
        if not isinstance(error.orig, _REFUSALS):
            raise
        reason = error.orig.diag.message_primary
        raise InvalidInput(f"exam_results does not take {name}: {reason}.", outcome=NOTHING_LOADED) from error
