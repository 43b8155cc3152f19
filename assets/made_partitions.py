"""What a run that succeeded leaves in Dagster's history: partitions made whole are materialized, others only observed.

A run over some learners of a hash bucket (`user_ids`) would otherwise make the bucket green, and nobody would see that
its other learners have nothing.
"""

from collections.abc import Mapping

import dagster as dg
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION as _NO_EVENT

from assets.partitions import partition_key
from assets.selection import SelectedUsers, Selection


def result(
    context: dg.AssetExecutionContext,
    chosen: Selection,
    users: SelectedUsers,
    metadata: Mapping[str, dg.MetadataValue | str | int | float],
) -> dg.MaterializeResult[None]:
    """The asset's result. Where the run is for all learners of its partitions, Dagster materializes those. Otherwise it
    makes no event of its own, and each partition has one here, with the metadata and how many learners it was for."""
    if all(users.whole(key) for key in chosen.user_keys):
        return dg.MaterializeResult(metadata=metadata)
    for week, key in chosen.pairs():
        n, of = len(users.asked([key])), len(users.members([key]))
        event = dg.AssetMaterialization if users.whole(key) else dg.AssetObservation
        context.log_event(
            event(
                context.asset_key,
                partition=partition_key(week, key),
                metadata={**metadata, "learners of this partition": f"{n} of {of}"},
            )
        )
    # An output has to be there, or what follows would be skipped. Dagster's own way for an output without an event is
    # this mark; no public one lets a step that materializes only observe.
    return dg.MaterializeResult(metadata={_NO_EVENT: True})
