"""Whether the reports' files and rows agree, in both directions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from assets.publishing.report_inventory import WeekInventory, inventory
from resources.artifacts.ordered_pool import OrderedPool
from resources.artifacts.store import ArtifactStore
from resources.model import Week
from resources.progress import Progress


@dataclass(frozen=True)
class Compared:
    """One week. `missing`, `altered` (other bytes than the row says) and `unrecorded` are keys, ascending; `elsewhere`
    counts rows that name another store and cannot be examined."""

    week: Week
    rows: int
    files: int
    elsewhere: int
    missing: tuple[str, ...]
    altered: tuple[str, ...]
    unrecorded: tuple[str, ...]

    @property
    def agree(self) -> bool:
        return not (self.missing or self.altered or self.unrecorded)


def compare(engine: sa.Engine, store: ArtifactStore, progress: Progress, *, hashes: bool) -> Iterator[Compared]:
    """Each week that has files or rows, ascending. With `hashes`, the bytes of every file are compared, too.

    A report that is made meanwhile may stand among the unrecorded.
    """
    for of_week in inventory(engine, store):
        missing = of_week.rows.keys() - of_week.files
        # Asked for once more: of a report made after the listing, only the row was seen.
        missing = {key for key, sha256 in _hashes(store, missing) if sha256 is None}
        altered = set[str]()
        if hashes:
            there = sorted(of_week.rows.keys() & of_week.files)
            for done, (key, sha256) in enumerate(_hashes(store, there), 1):
                if of_week.rows[key] not in (None, sha256):
                    altered.add(key)
                progress(f"hashes of {of_week.week}", done, len(there))
        yield _compared(of_week, missing, altered)


def _compared(of_week: WeekInventory, missing: set[str], altered: set[str]) -> Compared:
    unrecorded = of_week.files - of_week.rows.keys()
    return Compared(
        of_week.week, len(of_week.rows), len(of_week.files), of_week.elsewhere,
        *(tuple(sorted(keys)) for keys in (missing, altered, unrecorded)),
    )  # fmt: skip


def _hashes(store: ArtifactStore, keys: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    with OrderedPool() as pool:
        for key, asked in pool.in_order((key, partial(store.sha256, key)) for key in sorted(keys)):
            yield key, asked.result()
