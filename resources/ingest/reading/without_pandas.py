"""Arrow without pandas, which it imports to recognise a DataFrame: a quarter of what loading three rows costs."""

import sys
from collections.abc import Sequence
from types import ModuleType

import pyarrow as pa


class _NoPandas:
    """A finder of modules that says there is none."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        if name == "pandas":
            raise ImportError(name)


def leave_pandas_out() -> None:
    """From now on Arrow takes no DataFrame for a column, unless somebody else has imported pandas already.

    It asks for pandas once, at its first array, and remembers the answer; `to_pandas` asks anew.
    """
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _NoPandas)
        try:
            pa.array([0])
        finally:
            sys.meta_path.remove(_NoPandas)
