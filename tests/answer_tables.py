"""Answers for tests, from a pandas frame with some of the columns of `answers.schema`."""

import pandas as pd
import pyarrow as pa

from resources.answers.answers import Answers
from resources.answers.schema import SCHEMA


def table(frame: pd.DataFrame) -> pa.Table:
    """The rows in their order. A column that the frame lacks is null; attempt_no is then 1."""
    whole = frame if "attempt_no" in frame else frame.assign(attempt_no=1)
    columns = {
        field.name: pa.array(whole[field.name], field.type, from_pandas=True)
        if field.name in whole
        else pa.nulls(len(whole), field.type)
        for field in SCHEMA
    }
    return pa.table(columns, SCHEMA)


def answers(frame: pd.DataFrame) -> Answers:
    return Answers.from_table(table(frame))


def frame(answered: pa.Table) -> pd.DataFrame:
    """By user, time, attempt and item, with missing values missing."""
    nullable = {pa.bool_(): pd.BooleanDtype(), pa.int32(): pd.Int32Dtype()}
    order = ("user_id", "completed_at", "attempt_no", "item_key", "session_id")
    return answered.sort_by([(name, "ascending") for name in order]).to_pandas(types_mapper=nullable.get)
