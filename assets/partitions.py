"""The two dimensions of everything that is made, as Dagster knows them: weeks (by their Mondays) and user keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import dagster as dg

from assets.selection import Selection
from assets.user_keys import UserKeys
from resources import calendar
from resources.model import Week

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


class UserSelection(dg.Config):
    """Run only these users of the chosen partitions; a bucket's other users stay as they are."""

    user_ids: list[str] | None = None


@dataclass(frozen=True)
class Partitions:
    """Weeks from `first_week` on, times user keys; the same on every partitioned asset."""

    first_week: Week
    users: UserKeys

    @cached_property
    def weeks(self) -> dg.WeeklyPartitionsDefinition:
        return dg.WeeklyPartitionsDefinition(start_date=self.first_week.key, day_offset=1, timezone=calendar.zone().key)

    @cached_property
    def user_dimension(self) -> dg.PartitionsDefinition[str]:
        """Dynamic where every user has a key, static where they are in buckets."""
        if self.users.buckets:
            return dg.StaticPartitionsDefinition(self.users.fixed)
        return dg.DynamicPartitionsDefinition(name="user")

    @cached_property
    def definition(self) -> dg.MultiPartitionsDefinition:
        return dg.MultiPartitionsDefinition({"week": self.weeks, "user": self.user_dimension})

    def user_keys(self, instance: dg.DagsterInstance) -> Sequence[str]:
        """All user keys in the order that ranges follow."""
        with dg.partition_loading_context(dynamic_partitions_store=instance):
            return self.user_dimension.get_partition_keys()


def selection(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Selection:
    """The run's partitions.

    Raises:
        dg.Failure: the run carries a range and a single partition at once, as a backfill of a named job does; Dagster
            would make one partition of many and report success (dagster#28861). Or its range holds nothing.
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
        user_key, week = key.split("|")  # Dagster joins the dimensions in alphabetical order; no key of ours has a "|"
        by_week.setdefault(Week.parse(week), []).append(user_key)
    if not by_week:
        raise dg.Failure(
            f"No partition lies between {tags.get(RANGE_START)} and {tags.get(RANGE_END)}: start the range at its "
            "earlier week and at the user key that comes first in Dagster's list, and end it at the later ones.",
            allow_retries=False,
        )
    return Selection({week: sorted(by_week[week]) for week in sorted(by_week)})


def partition_key(week: Week, user_key: str) -> dg.MultiPartitionKey:
    return dg.MultiPartitionKey({"week": week.key, "user": user_key})


def range_tags(weeks: Sequence[Week], user_keys: Sequence[str]) -> dict[str, str]:
    """Tags of one run over contiguous weeks times contiguous user keys, both in the definition's order."""
    return {
        RANGE_START: str(partition_key(weeks[0], user_keys[0])),
        RANGE_END: str(partition_key(weeks[-1], user_keys[-1])),
    }
