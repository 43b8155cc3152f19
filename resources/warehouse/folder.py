"""The frozen responses of each week and user key, one Parquet file per partition, in a folder.

A file with no rows says that the partition was frozen and nobody answered; a missing file, that it was never frozen.
"""

import os
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from resources.errors import OperatorRequired
from resources.model import Week

_COLUMNS: dict[str, pa.DataType] = {
    "user_id": pa.string(),
    "item_key": pa.string(),
    "correct": pa.bool_(),  # null: not answered
    "completed_at": pa.timestamp("us", "UTC"),
    "response_time_ms": pa.int64(),
    "session_id": pa.string(),
    "topic_id": pa.string(),
    "attempt_no": pa.int64(),
    "hint_used": pa.bool_(),  # null: not recorded; files frozen before this column was lack it
}
SCHEMA = pa.schema(_COLUMNS)
# By every column: a session may hold the same answer twice at one instant, in whatever order the database finds them.
_SORT = ["user_id", "completed_at", "session_id", "item_key", "attempt_no", "correct", "response_time_ms", "topic_id",
         "hint_used"]  # fmt: skip
_MARK = b"seedtest.made_from"
_THREADS = 8  # the files are small: opening them is what takes time


class Warehouse:
    """Partitions under `root`, as `responses/<week>/<user key>.parquet`."""

    def __init__(self, root: Path) -> None:
        self._root = root / "responses"

    def write(
        self, week: Week, user_keys: Sequence[str], frame: pd.DataFrame, marks: Mapping[str, str] | None = None
    ) -> None:
        """Freeze a week's responses for these user keys, each file atomically; a key without rows gets an empty file.

        `frame` has the columns of SCHEMA and `user_key`; `marks`, by user key, say what the responses were made from
        (see `marks`). Equal responses and marks make equal bytes.

        Raises:
            ValueError: a row belongs to none of the keys; nothing was written.
        """
        if not frame["user_key"].isin(user_keys).all():
            raise ValueError("A row belongs to none of the user keys that are to be frozen.")
        folder = self._root / week.key
        folder.mkdir(parents=True, exist_ok=True)
        ordered = frame.sort_values(["user_key", *_SORT])
        table = pa.Table.from_pandas(ordered[SCHEMA.names], SCHEMA, preserve_index=False).replace_schema_metadata(None)
        row_key = ordered["user_key"].to_numpy(dtype=object)
        begins, ends = (np.searchsorted(row_key, user_keys, side) for side in ("left", "right"))

        def freeze(place: int) -> None:
            key = user_keys[place]
            part = table.slice(begins[place], ends[place] - begins[place])
            if marks is not None:
                part = part.replace_schema_metadata({_MARK: marks.get(key, "")})
            _write_atomically(folder / f"{key}.parquet", part)

        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(freeze, range(len(user_keys))))

    def weeks(self) -> list[Week]:
        """Those of which anything was frozen, ascending."""
        return sorted(Week.parse(folder.name) for folder in self._root.glob("????-??-??"))

    def marks(self, week: Week) -> dict[str, str]:
        """By frozen user key of the week, the mark it was written with: "" without one, "?" if nothing was said."""
        paths = list((self._root / week.key).glob("*.parquet"))
        with ThreadPoolExecutor(_THREADS) as pool:
            return dict(zip((path.stem for path in paths), pool.map(_mark, paths), strict=True))

    def missing(self, week: Week, user_keys: Collection[str]) -> list[str]:
        """Those of the user keys that were never frozen for the week, sorted."""
        folder = self._root / week.key
        present = {path.stem for path in folder.glob("*.parquet")} if folder.is_dir() else set()
        return sorted(set(user_keys) - present)

    def read(self, weeks: Iterable[Week], user_keys: Collection[str]) -> pd.DataFrame:
        """All rows of these weeks and user keys, columns of SCHEMA; `correct` and `hint_used` are nullable.

        Raises:
            OperatorRequired: a partition was never frozen, so the answer would be short without a word.
        """
        weeks = list(weeks)
        for week in weeks:
            if absent := self.missing(week, user_keys):
                raise OperatorRequired(
                    f"The responses of {week} are not frozen for {len(absent)} of {len(user_keys)} user partitions "
                    f"(first: {absent[0]}). Materialize `responses` for that week first."
                )
        paths = [self._root / week.key / f"{key}.parquet" for week in weeks for key in user_keys]
        with ThreadPoolExecutor(_THREADS) as pool:
            tables = list(pool.map(lambda path: pq.read_table(path, schema=SCHEMA, partitioning=None), paths))
        table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
        return table.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype(), pa.int64(): pd.Int64Dtype()}.get)


def _mark(path: Path) -> str:
    return (pq.read_schema(path).metadata or {}).get(_MARK, b"?").decode()


def _write_atomically(path: Path, table: pa.Table) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            pq.write_table(table, file)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
