"""Freezing a week's answers: read from the view once, kept with a checksum of their sessions."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from assets.selection import SelectedUsers, Selection, in_batches
from assets.user_keys import UserKeys
from resources.answers.blanks import Counts
from resources.database import locks
from resources.database.engine import transaction
from resources.database.queries.sessions import attempts
from resources.model import Week
from resources.warehouse.warehouse import Warehouse

LEARNERS_AT_ONCE = 20_000  # their answers of a week take some 100 MB; each look at the week's sessions a second


def gaps(chosen: Selection, first_week: Week, warehouse: Warehouse) -> dict[Week, Sequence[str]]:
    """Earlier weeks that were never frozen for a chosen user key, with those keys.

    An ability rests on all weeks before it, and an attempt counts if it is the first ever: without a file nobody would
    know whether a week is empty or missing.
    """
    last_of = {key: week for week, key in chosen.pairs()}
    missing: dict[Week, Sequence[str]] = {}
    for week in first_week.through(max(chosen.weeks)):
        others = {key for key, last in last_of.items() if week < last} - set(chosen.keys.get(week, ()))
        missing[week] = warehouse.missing(week, others)
    return {week: keys for week, keys in missing.items() if keys}


def checksums_by_key(user_keys: UserKeys, of_users: Mapping[str, int]) -> dict[str, str]:
    """The checksum of each user key with sessions, from those of its users (see `attempts.checksums`)."""
    sums: dict[str, int] = {}
    for user_id, checksum in of_users.items():
        key = user_keys.key_of(user_id)
        sums[key] = sums.get(key, 0) + checksum
    return {key: f"{checksum % 2**64:016x}" for key, checksum in sums.items()}


def hold_week(connection: sa.Connection, week: Week) -> None:
    """Until the transaction ends nobody else changes the week's files."""
    locks.hold(connection, f"seedtest responses {week}")


@dataclass(frozen=True)
class Freezer:
    """Copies weeks from the attempt view to the warehouse."""

    engine: sa.Engine
    warehouse: Warehouse
    keys: UserKeys
    users: SelectedUsers

    def freeze(self, week: Week, keys: Sequence[str]) -> Counts:
        """Of the rows in the files of these keys, with the answers of the run's users renewed.

        The rows of a key's other users stay as they are, or are frozen with the rest where the key has no file yet.
        Under a lock from the reading to the writing: of two runs over one bucket the later one writes what it read
        last, and neither puts back what the other has renewed.
        """
        with transaction(self.engine) as connection:
            hold_week(connection, week)
            counts = (self._freeze(connection, week, some, self.users.asked(some)) for some in self._batches(keys))
            return sum(counts, Counts())

    def freeze_missing(self, week: Week, keys: Collection[str]) -> None:
        """Those of the keys that have no file yet, whole. Looked up under the lock: of two runs that miss the same, the
        second finds what the first has frozen, instead of reading everybody's answers once more."""
        if not self.warehouse.missing(week, keys):
            return
        with transaction(self.engine) as connection:
            hold_week(connection, week)
            for some in self._batches(self.warehouse.missing(week, keys)):
                self._freeze(connection, week, some, self.users.members(some))

    def _batches(self, keys: Collection[str]) -> Iterator[list[str]]:
        return in_batches({key: self.users.by_key.get(key, ()) for key in keys}, LEARNERS_AT_ONCE) if keys else iter(())

    def _freeze(self, connection: sa.Connection, week: Week, keys: Sequence[str], asked: Sequence[str]) -> Counts:
        """What the two have in common, under their lock."""
        everyone = self.users.members(keys)
        if len(asked) == len(everyone):
            frozen: list[str] = []
        else:
            absent = set(self.warehouse.missing(week, keys))
            frozen = [key for key in keys if key not in absent]
            asked = sorted({*asked, *self.users.members(absent)})
        named = self.users.named(asked)
        # Before the answers: what changes in between leaves an old checksum, and is found to be late.
        checksums = checksums_by_key(self.keys, attempts.checksums(connection, week.begins_at, week.ends_at, named))
        answers = attempts.between(connection, week.begins_at, week.ends_at, named)
        if frozen:
            # The other users' answers stay: if they are late, they have to stay late.
            checksums |= self.warehouse.checksums(week, frozen)
            before = self.warehouse.read([week], frozen)
            renewed = pc.is_in(before["user_id"], pa.array(asked, pa.large_string()))
            answers = pa.concat_tables([before.filter(pc.invert(renewed)), answers])
        parts = _by_key(answers, keys, self.keys)
        self.warehouse.write(week, parts, checksums)
        return sum(map(Counts.of, parts.values()), Counts())


def _by_key(answers: pa.Table, keys: Sequence[str], user_keys: UserKeys) -> dict[str, pa.Table]:
    """The answers of each of the user keys, and of no other."""
    users: Any = answers["user_id"].combine_chunks().dictionary_encode()
    place = {key: i for i, key in enumerate(keys)}
    of_user = np.array([place.get(user_keys.key_of(user), -1) for user in users.dictionary.to_pylist()], np.int64)
    of_row = of_user[users.indices.to_numpy()]
    by_key = np.argsort(of_row, kind="stable")
    bounds = np.searchsorted(of_row[by_key], np.arange(len(keys) + 1))
    rows = answers.take(by_key[bounds[0] :])
    return {
        key: rows.slice(start - bounds[0], end - start)
        for key, start, end in zip(keys, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    }
