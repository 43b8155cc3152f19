"""Answers as files have them, their loading, and what is stored of them beside what was told."""

import datetime as dt

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from resources.database.engine import transaction
from resources.database.queries.sessions import attempts
from resources.ingest.load import Ingested, ingest
from resources.ingest.response_file import ResponseFile, from_table
from seedtest_pipeline.demo.synthetic_exam import EXAM_ID
from tests import answer_tables

EVER = (dt.datetime(1990, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC))


NOON = dt.datetime(2025, 1, 6, 12, tzinfo=dt.UTC)


SECOND = dt.timedelta(seconds=1)


def answer(item: str, second: int, *, correct: bool | None = True, **more: object) -> dict[str, object]:
    given = {
        "user_id": "u1", "session_id": "s1", "item_id": item, "correct": correct,
        "answered_at": NOON + second * SECOND, "response_time_ms": 1500, "topic": "Algebra", "attempt_no": 1,
    }  # fmt: skip
    return given | more


def file_of(*answers: dict[str, object]) -> ResponseFile:
    return from_table(pa.Table.from_pylist(list(answers)), "answers")


def load(engine: sa.Engine, file: ResponseFile, exam_id: str = EXAM_ID) -> Ingested:
    with transaction(engine) as connection:
        return ingest(connection, file, exam_id)


def stored(engine: sa.Engine) -> pd.DataFrame:
    with transaction(engine) as connection:
        return answer_tables.frame(attempts.between(connection, *EVER))


def as_attempts(file: ResponseFile) -> pd.DataFrame:
    names = {"item_id": "item_key", "answered_at": "completed_at", "topic": "topic_id"}
    frame = file.responses.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype(), pa.int32(): pd.Int32Dtype()}.get)
    order = ["user_id", "completed_at", "attempt_no", "item_key", "session_id"]
    answered_later = frame["correct"].notna()[::-1].groupby([frame["user_id"], frame["session_id"]]).cummax()[::-1]
    known = frame.assign(
        hint_used=pd.array([pd.NA] * len(frame), dtype="boolean"),  # a file has no such column
        omitted=answered_later.astype("boolean").where(frame["correct"].isna(), pd.NA),
    )
    return known.rename(columns=names).sort_values(order, ignore_index=True)


def assert_stored(engine: sa.Engine, file: ResponseFile) -> None:
    pd.testing.assert_frame_equal(stored(engine), as_attempts(file), check_like=True)
