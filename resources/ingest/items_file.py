"""A file of items: what people call them, and where they are to be found."""

import pyarrow.compute as pc

from resources.ingest.checking.checked import Checked, Column, Fault, where
from resources.ingest.checking.identifiers import identifier, label
from resources.ingest.table_file import Kind, TableFile, read_table


def read_items(typed: str, encoding: str | None = None) -> TableFile:
    """The items of a CSV or Parquet file, each once.

    Raises:
        InvalidInput: the mistakes in it, if there are any.
    """
    return read_table(typed, _ITEMS, encoding)


def _address(column: Column) -> Checked:
    """A label that a report may lead to: nothing that acts, such as `javascript:`."""
    checked = label(column)
    none = where(pc.is_valid(checked.values)) & ~where(
        pc.match_substring_regex(checked.values, r"^https?://[^\s\"<>]+$")
    )
    return Checked(checked.values, (*checked.faults, Fault(none, "is no address: write it with https:// before it")))


_ITEMS = Kind(
    columns=("item_id", "title", "topic", "url", "exam", "key"),
    key=("item_id",),
    checks={"item_id": identifier, "url": _address},
    keep_one="Keep one row of an item.",
)
