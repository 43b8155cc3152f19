"""A file of goals: the score that a learner wants to reach, and by which day."""

import datetime as dt

import numpy as np
import pyarrow.compute as pc

from resources.ingest.checking.checked import Checked, Column, Fault, where
from resources.ingest.checking.identifiers import identifier, label
from resources.ingest.table_file import Kind, TableFile, read_table


def read_goals(typed: str, encoding: str | None = None) -> TableFile:
    """The goals of a CSV or Parquet file, one of a learner, with `score` a number and `by` a day as they are written.

    Raises:
        InvalidInput: the mistakes in it, if there are any.
    """
    return read_table(typed, _GOALS, encoding)


def _score(column: Column) -> Checked:
    checked = label(column)
    none = ~where(pc.match_substring_regex(checked.values, r"^\d{1,6}(\.\d{1,6})?$"))
    return Checked(checked.values, (*checked.faults, Fault(none, "is no score: write a number such as 640")))


def _day(column: Column) -> Checked:
    checked = label(column)
    none = np.array([not _is_day(text) for text in checked.values.to_pylist()], bool)
    return Checked(checked.values, (*checked.faults, Fault(none, "is no day: write it as 2025-06-30")))


def _is_day(text: str | None) -> bool:
    try:
        return dt.date.fromisoformat(text or "").isoformat() == text
    except ValueError:
        return False


_GOALS = Kind(
    columns=("user_id", "score", "by"),
    key=("user_id",),
    checks={"user_id": identifier, "score": _score, "by": _day},
    keep_one="Keep one goal of a learner.",
)
