"""The frozen responses of each week and user key, one Parquet file per partition, in a folder.

A file with no rows says that the partition was frozen and nobody answered; a missing file, that it was never frozen.
"""

import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from resources import atomic_file, private_folder
from resources.answers.schema import SCHEMA, ordered
from resources.errors import OperatorRequired
from resources.model import Week

_MADE_FROM = b"seedtest.made_from"
_THREADS = 8  # the files are small: opening them is what takes time


class Warehouse:
    """Partitions under `root`, as `responses/<week>/<user key>.parquet`."""

    def __init__(self, root: Path) -> None:
        self._root = root / "responses"

    def write(self, week: Week, parts: Mapping[str, pa.Table], checksums: Mapping[str, str] | None = None) -> None:
        """Freeze a week's answers, a table per user key, each file atomically; a table may be empty.

        `checksums`, by user key, say what the answers were made from. Equal answers and checksums make
        equal bytes, in whatever order the answers come.

        Raises:
            OperatorRequired: the folder takes no more, as on a full disk; a partition's earlier file is as it was.
        """
        folder = self._root / week.key

        def freeze(key: str) -> None:
            metadata = None if checksums is None else {_MADE_FROM: checksums.get(key, "")}
            table = ordered(parts[key]).replace_schema_metadata(metadata)
            atomic_file.write(folder / f"{key}.parquet", _bytes(table), mode=0o600)

        try:
            private_folder.make(folder)
            with ThreadPoolExecutor(_THREADS) as pool:
                list(pool.map(freeze, parts))
        except OSError as error:
            raise OperatorRequired(
                f"The answers of {week} cannot be frozen in {self._root} ({error.strerror}).",
                where=self._root,
                remedy="Give it room, or the right to write, and run the week again: what was frozen is whole.",
            ) from error

    def weeks(self) -> list[Week]:
        """Those of which anything was frozen, ascending."""
        return sorted(Week.parse(folder.name) for folder in self._root.glob("????-??-??"))

    def checksums(self, week: Week) -> dict[str, str]:
        """By frozen user key of the week, the checksum it was written with: "" without one, "?" if nothing was said."""
        paths = list((self._root / week.key).glob("*.parquet"))
        with ThreadPoolExecutor(_THREADS) as pool:
            return dict(zip((path.stem for path in paths), pool.map(_checksum, paths), strict=True))

    def count(self, week: Week) -> int:
        """How many answers are frozen of the week, of all user keys."""
        paths = list((self._root / week.key).glob("*.parquet"))
        with ThreadPoolExecutor(_THREADS) as pool:
            return sum(pool.map(lambda path: pq.read_metadata(path).num_rows, paths))

    def missing(self, week: Week, user_keys: Collection[str]) -> list[str]:
        """Those of the user keys that were never frozen for the week, sorted."""
        folder = self._root / week.key
        present = {path.stem for path in folder.glob("*.parquet")} if folder.is_dir() else set()
        return sorted(set(user_keys) - present)

    def read(
        self, weeks: Iterable[Week], user_keys: Collection[str], columns: Sequence[str] = tuple(SCHEMA.names)
    ) -> pa.Table:
        """All answers of these weeks and user keys; of a part of the columns it takes a part of the time.

        Raises:
            OperatorRequired: a partition was never frozen, so the answer would be short without a word.
        """
        weeks = list(weeks)
        for week in weeks:
            if absent := self.missing(week, user_keys):
                raise OperatorRequired(
                    f"The responses of {week} are not frozen for {len(absent)} of {len(user_keys)} user "
                    f"partitions (first: {absent[0]}).",
                    remedy="Materialize `responses` for that week first.",
                )
        paths = [self._root / week.key / f"{key}.parquet" for week in weeks for key in user_keys]
        with ThreadPoolExecutor(_THREADS) as pool:
            tables = list(pool.map(lambda path: _read(path, columns), paths))
        return pa.concat_tables(tables) if tables else SCHEMA.empty_table().select(columns)


def _read(path: Path, columns: Sequence[str]) -> pa.Table:
    return pq.read_table(path, columns=list(columns), schema=SCHEMA, partitioning=None)


def _checksum(path: Path) -> str:
    return (pq.read_schema(path).metadata or {}).get(_MADE_FROM, b"?").decode()


def _bytes(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()
