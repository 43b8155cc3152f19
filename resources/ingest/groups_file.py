"""A file of groups: which learners are in each, who teaches it, and what people call them."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from resources.ingest.checking.checked import Checked, Column, Fault, where
from resources.ingest.checking.identifiers import identifier, label
from resources.ingest.table_file import Kind, TableFile, read_table
from resources.model import LEARNER, TEACHER


def read_groups(typed: str, encoding: str | None = None) -> TableFile:
    """The members of a CSV or Parquet file, each once in a group; `role` is never None.

    Raises:
        InvalidInput: the mistakes in it, if there are any.
    """
    return read_table(typed, _GROUPS, encoding)


def _role(column: Column) -> Checked:
    """A learner where nothing is told."""
    checked = label(column)
    role: Any = pc.fill_null(checked.values, pa.scalar(LEARNER, pa.large_string()))
    other = ~where(pc.is_in(role, pa.array([LEARNER, TEACHER], pa.large_string())))
    return Checked(role, (*checked.faults, Fault(other, f"is no role: write {LEARNER} or {TEACHER}")))


_GROUPS = Kind(
    columns=("group", "user_id", "role", "name"),
    key=("group", "user_id"),
    checks={"group": identifier, "user_id": identifier, "role": _role},
    keep_one="Keep one row of a person in a group.",
)
