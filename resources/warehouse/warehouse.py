"""The frozen responses of each week and user key, one Parquet file per partition, in a folder or a bucket.

A file with no rows says that the partition was frozen and nobody answered; a missing file, that it was never frozen.
What its answers were made from stands in the file's own last bytes, so that one request to a bucket finds it.
"""

import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from resources.answers.schema import SCHEMA, ordered
from resources.errors import ArtifactMissing, OperatorRequired
from resources.model import Week

_MADE_FROM = b"seedtest.made_from"
_THREADS = 8  # the files are small: opening them is what takes time
_FOOTER = 16_384  # bytes; ours take some 5,000
_TYPE = "application/vnd.apache.parquet"
_SUFFIX = ".parquet"


class Files(Protocol):
    """What the warehouse needs of an artifact store (`artifacts/store.py`); each call is one request to a bucket, but
    `names`, which is one for each thousand."""

    def put(self, key: str, content: bytes, content_type: str) -> str: ...

    def read(self, key: str) -> bytes: ...

    def tail(self, key: str, size: int) -> bytes: ...

    def names(self, folder: str) -> Iterator[str]: ...

    def delete(self, key: str) -> None: ...


class Warehouse:
    """Partitions in `files`, as `<folder>/<week>/<user key>.parquet`."""

    def __init__(self, files: Files, folder: str = "responses") -> None:
        self.files = files
        self._folder = folder

    def write(self, week: Week, parts: Mapping[str, pa.Table], checksums: Mapping[str, str] | None = None) -> None:
        """Freeze a week's answers, a table per user key, each file atomically; a table may be empty.

        `checksums`, by user key, say what the answers were made from. Equal answers and checksums make
        equal bytes, in whatever order the answers come.

        Raises:
            OperatorRequired: the folder takes no more, as on a full disk; a partition's earlier file is as it was.
            RetryLater, StoreRefuses: the bucket does not answer, or takes nothing from us.
        """

        def freeze(key: str) -> None:
            metadata = None if checksums is None else {_MADE_FROM: checksums.get(key, "")}
            table = ordered(parts[key]).replace_schema_metadata(metadata)
            self.files.put(self._key(week, key), _bytes(table), _TYPE)

        try:
            with ThreadPoolExecutor(_THREADS) as pool:
                list(pool.map(freeze, parts))
        except OSError as error:
            raise OperatorRequired(
                f"The answers of {week} cannot be frozen in {self.files} ({error.strerror}).",
                where=str(self.files),
                remedy="Give it room, or the right to write, and run the week again: what was frozen is whole.",
            ) from error

    def weeks(self) -> list[Week]:
        """Those of which anything was frozen, ascending."""
        return sorted(map(Week.parse, self.files.names(self._folder)))

    def checksums(self, week: Week, user_keys: Collection[str] | None = None) -> dict[str, str]:
        """By frozen user key of the week, of all or of these, the checksum it was written with: "" without one, "?" if
        nothing was said."""
        found = self._footers(week, user_keys)
        return {key: (of.metadata or {}).get(_MADE_FROM, b"?").decode() for key, of in found.items()}

    def user_keys(self, week: Week) -> list[str]:
        """Those of which the week was frozen, of whatever partition scheme, ascending."""
        names = self.files.names(f"{self._folder}/{week}")
        return [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)]

    def delete(self, week: Week, user_key: str) -> None:
        """The partition was never frozen."""
        self.files.delete(self._key(week, user_key))

    def count(self, week: Week) -> int:
        """How many answers are frozen of the week, of all user keys."""
        return sum(of.num_rows for of in self._footers(week).values())

    def missing(self, week: Week, user_keys: Collection[str]) -> list[str]:
        """Those of the user keys that were never frozen for the week, sorted."""
        return sorted(set(user_keys) - set(self.user_keys(week)))

    def read(
        self, weeks: Iterable[Week], user_keys: Collection[str], columns: Sequence[str] = tuple(SCHEMA.names)
    ) -> pa.Table:
        """All answers of these weeks and user keys; of a part of the columns it takes a part of the time.

        Raises:
            OperatorRequired: a partition was never frozen, so the answer would be short without a word.
        """
        weeks = list(weeks)

        def read(partition: tuple[Week, str]) -> pa.Table:
            content = io.BytesIO(self.files.read(self._key(*partition)))
            return pq.read_table(content, columns=list(columns), schema=SCHEMA)

        try:
            with ThreadPoolExecutor(_THREADS) as pool:
                tables = list(pool.map(read, [(week, key) for week in weeks for key in user_keys]))
        except ArtifactMissing:
            for week in weeks:
                if absent := self.missing(week, user_keys):
                    raise OperatorRequired(
                        f"The responses of {week} are not frozen for {len(absent)} of {len(user_keys)} user "
                        f"partitions (first: {absent[0]}).",
                        remedy="Materialize `responses` for that week first.",
                    ) from None
            raise  # it came meanwhile
        return pa.concat_tables(tables) if tables else SCHEMA.empty_table().select(columns)

    def _key(self, week: Week, user_key: str) -> str:
        return f"{self._folder}/{week}/{user_key}{_SUFFIX}"

    def _footers(self, week: Week, user_keys: Collection[str] | None = None) -> dict[str, pq.FileMetaData]:
        keys = [key for key in self.user_keys(week) if user_keys is None or key in user_keys]
        with ThreadPoolExecutor(_THREADS) as pool:
            return dict(zip(keys, pool.map(self._footer, [self._key(week, key) for key in keys]), strict=True))

    def _footer(self, key: str) -> pq.FileMetaData:
        """Of the last bytes, which are enough for one of ours."""
        return pq.read_metadata(io.BytesIO(self.files.tail(key, _FOOTER)))


def _bytes(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()
