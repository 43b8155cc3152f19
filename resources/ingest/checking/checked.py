"""A column of a file after its rule: the exact values, what is wrong with which rows, and what was cut or assumed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

if TYPE_CHECKING:
    Column: TypeAlias = pa.Array[Any]
else:
    Column = pa.Array  # generic in pyarrow's stubs only

Rows: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Fault:
    """Rows whose value `says` what is wrong with it, and what to do."""

    rows: Rows
    says: str


@dataclass(frozen=True)
class Checked:
    """`values` mean nothing in rows that have a fault. `notes` count rows by what was cut from them or assumed."""

    values: Column
    faults: tuple[Fault, ...] = ()
    notes: Mapping[str, int] = field(default_factory=dict)


def wrong_type(column: Column, write: str) -> Checked:
    rows = np.zeros(len(column), bool)
    rows[:1] = True  # said once
    return Checked(column, (Fault(rows, f"is of the type {column.type}: write {write}"),))


def where(mask: Any) -> Rows:
    """A null is not so."""
    found: Rows = mask.fill_null(False).to_numpy(zero_copy_only=False)
    return found


def shown(value: "pa.Scalar[Any]") -> str:
    """The value as a message shows it: on one line, and short."""
    if not value.is_valid:
        return "nothing"
    plain = value.cast(pa.string()) if pa.types.is_timestamp(value.type) else value  # Python has no year 10000
    text = repr(str(plain.as_py()))
    return text if len(text) <= 42 else f"{text[:40]}…'"


def is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if isinstance(kind, pa.DictionaryType) else kind
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def floats(column: Column) -> NDArray[np.float64]:
    """Numbers, or digits, as doubles; NaN (which is how pandas writes a missing number) for null."""
    number = column.cast(pa.float64(), safe=False)
    return number.to_numpy(zero_copy_only=False)
