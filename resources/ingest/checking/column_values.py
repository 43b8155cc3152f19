"""What a value in a column of responses may look like, and what it becomes: one rule per kind of column, vectorised.

A rule takes the column as it was read (text from CSV, any type from Parquet) and never guesses: a value that it cannot
read exactly is a mistake, not a null. Ids and instants have rules of their own (`identifiers`, `instants`).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.ingest.checking.checked import Checked, Column, Fault, floats, is_number, is_text, where, wrong_type

_TEXT = pa.large_string()
# The largest that the attempt view shows: an integer of PostgreSQL (as milliseconds 24 days), and nine digits.
_LARGEST_MS = 2**31 - 1
_LARGEST_ATTEMPT = 999_999_999


def right_or_wrong(column: Column) -> Checked:
    """Boolean from 1 or true, 0 or false; null, not answered, from nothing."""
    if pa.types.is_boolean(column.type):
        return Checked(column)
    if is_text(column.type):
        text: Column = column.cast(_TEXT)
        right = where(pc.match_substring_regex(text, r"^(?:1(\.0+)?|(?i:true))$"))
        wrong = where(pc.match_substring_regex(text, r"^(?:0(\.0+)?|(?i:false))$"))
        missing = ~where(pc.is_valid(text))
    elif is_number(column.type) or pa.types.is_null(column.type):
        number = floats(column)
        right, wrong, missing = number == 1, number == 0, np.isnan(number)
    else:
        return wrong_type(column, "0 or 1")
    says = "is neither 0 (wrong) nor 1 (right): correct it, or leave it empty if the item was not answered"
    return Checked(pa.array(right, pa.bool_(), mask=missing), (Fault(~(right | wrong | missing), says),))


def milliseconds(column: Column) -> Checked:
    return _whole(column, 0, _LARGEST_MS, "milliseconds")


def ordinal(column: Column) -> Checked:
    return _whole(column, 1, _LARGEST_ATTEMPT, "attempts")


def _whole(column: Column, least: int, most: int, what: str) -> Checked:
    if not (is_text(column.type) or is_number(column.type) or pa.types.is_null(column.type)):
        return wrong_type(column, "whole numbers")
    unreadable = np.zeros(len(column), bool)
    if is_text(column.type):
        text: Column = column.cast(_TEXT)
        unreadable = where(pc.is_valid(text)) & ~where(pc.match_substring_regex(text, r"^\d{1,10}(\.0+)?$"))
        column = pc.if_else(pa.array(unreadable), pa.scalar(None, _TEXT), text) if unreadable.any() else text
    number = floats(column)
    missing = np.isnan(number)
    unreadable |= ~missing & ~((number >= least) & (number <= most) & (np.floor(number) == number))
    exact = np.where(missing | unreadable, 0, number).astype(np.int32)
    says = f"is not a whole number of {what} from {least} to {most}: correct it, or leave it empty"
    return Checked(pa.array(exact, mask=missing), (Fault(unreadable, says),))
