"""The two dimensions of everything that is made: weeks (Mondays, UTC) and users.

What a key of the `user` dimension stands for is chosen at deployment: one user, or one hash bucket of users.
"""

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import dagster as dg

from resources.model import Week, safe_key

# Beyond this many users, one partition per user makes Dagster's UI and daemon slow: hash buckets serve better.
USERS_SCHEME_LIMIT = 1_000

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


@dataclass(frozen=True)
class UserPartitions:
    """`buckets` = 0: a dynamic partition per user. Otherwise that many static buckets, by crc32 of the user id."""

    buckets: int

    @cached_property
    def definition(self) -> dg.PartitionsDefinition[str]:
        if self.buckets:
            return dg.StaticPartitionsDefinition([self._bucket(i) for i in range(self.buckets)])
        return dg.DynamicPartitionsDefinition(name="user")

    def key_of(self, user_id: str) -> str:
        """The partition key that the user belongs to; for `users` the id itself where it is harmless as a key."""
        return self._bucket(zlib.crc32(user_id.encode()) % self.buckets) if self.buckets else safe_key(user_id)

    def keys(self, instance: dg.DagsterInstance) -> Sequence[str]:
        """All keys in the order that ranges follow."""
        with dg.partition_loading_context(dynamic_partitions_store=instance):
            return self.definition.get_partition_keys()

    def by_key(self, user_ids: Iterable[str]) -> dict[str, list[str]]:
        """The users of each key that has any, in the order given."""
        users: dict[str, list[str]] = {}
        for user_id in user_ids:
            users.setdefault(self.key_of(user_id), []).append(user_id)
        return users

    def outgrown(self, n_users: int) -> str | None:
        """A sentence for the operator where `users` has become too many partitions."""
        if self.buckets or n_users <= USERS_SCHEME_LIMIT:
            return None
        return (
            f"{n_users:,} users are too many for one partition each (limit {USERS_SCHEME_LIMIT:,}): "
            "set USER_PARTITIONS=64 and run the weeks again."
        )

    def _bucket(self, i: int) -> str:
        return f"b{i:03d}of{self.buckets}"


@dataclass(frozen=True)
class Partitions:
    """Weeks from `first_week` on, times users; the same on every partitioned asset."""

    first_week: Week
    users: UserPartitions

    @cached_property
    def weeks(self) -> dg.WeeklyPartitionsDefinition:
        return dg.WeeklyPartitionsDefinition(start_date=self.first_week.key, day_offset=1, timezone="UTC")

    @cached_property
    def definition(self) -> dg.MultiPartitionsDefinition:
        return dg.MultiPartitionsDefinition({"week": self.weeks, "user": self.users.definition})


@dataclass(frozen=True)
class Selection:
    """What one run was asked for: user keys by week, weeks ascending."""

    keys: Mapping[Week, Sequence[str]]

    @property
    def weeks(self) -> list[Week]:
        return list(self.keys)

    @property
    def user_keys(self) -> list[str]:
        return sorted({key for keys in self.keys.values() for key in keys})

    def pairs(self) -> Iterator[tuple[Week, str]]:
        return ((week, key) for week, keys in self.keys.items() for key in keys)

    def only(self, user_keys: Collection[str]) -> "Selection":
        """The same without all other keys, and without weeks that have none left."""
        kept = {week: [key for key in keys if key in user_keys] for week, keys in self.keys.items()}
        return Selection({week: keys for week, keys in kept.items() if keys})


def selection(context: dg.AssetExecutionContext) -> Selection:
    """The run's partitions.

    Raises:
        dg.Failure: the run carries a range and a single partition at once, as a backfill of a named job does; Dagster
            would make one partition of many and report success (dagster#28861).
    """
    tags = context.run.tags
    if (RANGE_START in tags or RANGE_END in tags) and any(tag.startswith("dagster/partition") for tag in tags):
        raise dg.Failure(
            "This run carries a partition range and a single partition at once, so all but one would be left out in "
            "silence. Launch it from the assets (Materialize, or `seedtest run`), not from a job's backfill.",
            allow_retries=False,
        )
    by_week: dict[Week, list[str]] = {}
    for key in context.partition_keys:
        user_key, week = key.split(
            "|"
        )  # Dagster joins the dimensions in alphabetical order; no key of ours holds a "|"
        by_week.setdefault(Week.parse(week), []).append(user_key)
    return Selection({week: sorted(by_week[week]) for week in sorted(by_week)})


def in_batches(learners_of: Mapping[str, Collection[str]], at_once: int) -> Iterator[list[str]]:
    """User keys in order, with at most `at_once` learners together, or one key of more; one empty batch of no keys."""
    batch: list[str] = []
    n_learners = 0
    for key, learners in learners_of.items():
        if batch and n_learners + len(learners) > at_once:
            yield batch
            batch, n_learners = [], 0
        batch.append(key)
        n_learners += len(learners)
    yield batch


def partition_key(week: Week, user_key: str) -> dg.MultiPartitionKey:
    return dg.MultiPartitionKey({"week": week.key, "user": user_key})


def range_tags(weeks: Sequence[Week], user_keys: Sequence[str]) -> dict[str, str]:
    """Tags of one run over contiguous weeks times contiguous user keys, both in the definition's order."""
    return {
        RANGE_START: str(partition_key(weeks[0], user_keys[0])),
        RANGE_END: str(partition_key(weeks[-1], user_keys[-1])),
    }
