"""Asset `responses`: a week's answers, taken apart from the platform's JSON once and frozen as Parquet."""

from collections import Counter
from collections.abc import Collection, Sequence

import dagster as dg
import pandas as pd
import sqlalchemy as sa

from assets.partitions import Partitions, Selection, selection
from assets.scoring import ScoringRules
from resources.database import attempts
from resources.database.engine import transaction
from resources.model import Week
from resources.progress import Progress
from resources.warehouse.folder import Warehouse


class UserSelection(dg.Config):
    """Run only these users of the chosen partitions; a bucket's other users stay as they are."""

    user_ids: list[str] | None = None


def build(partitions: Partitions) -> dg.AssetsDefinition:
    @dg.asset(
        partitions_def=partitions.definition,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="database",
        kinds={"postgres", "parquet"},
        description="Each learner's answers of one week, frozen: what follows reads these, not the platform's tables.",
    )
    def responses(
        context: dg.AssetExecutionContext,
        config: UserSelection,
        engine: dg.ResourceParam[sa.Engine],
        warehouse: dg.ResourceParam[Warehouse],
        rules: dg.ResourceParam[ScoringRules],
        progress: dg.ResourceParam[Progress],
    ) -> dg.MaterializeResult[None]:
        chosen = selection(context)
        with transaction(engine) as connection:
            users = attempts.users(connection)
        freezer = _Freezer(engine, warehouse, partitions, users)
        gaps = _gaps(chosen, rules, warehouse)
        n_rows, malformed = 0, Counter[str]()
        for n, (week, keys) in enumerate([*gaps.items(), *chosen.keys.items()]):
            rows = freezer.freeze(week, keys, config.user_ids if week in chosen.keys else None)
            if week in chosen.keys:
                n_rows += rows
                with transaction(engine) as connection:
                    malformed.update(attempts.malformed(connection, week.begins_at, week.ends_at))
            progress("weeks frozen", n + 1, len(gaps) + len(chosen.keys))
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": n_rows,
                "users": len(partitions.users.members(freezer.user_ids, chosen.user_keys)),
                "malformed answers left out": "; ".join(f"{reason}: {n}" for reason, n in malformed.items()) or "none",
                "earlier weeks frozen for the look-back": ", ".join(map(str, gaps)) or "none",
            }
        )

    return responses


def _gaps(chosen: Selection, rules: ScoringRules, warehouse: Warehouse) -> dict[Week, list[str]]:
    """Earlier weeks that a look-back from the chosen ones reaches, with the user keys never frozen for them.

    A user who joined last week has no files of the weeks before: without this the estimate would not know whether they
    are empty or missing.
    """
    reached: dict[Week, set[str]] = {}
    for week, keys in chosen.keys.items():
        for earlier in rules.weeks(week):
            reached.setdefault(earlier, set()).update(keys)
    gaps = {week: warehouse.missing(week, keys - set(chosen.keys.get(week, ()))) for week, keys in reached.items()}
    return {week: keys for week, keys in sorted(gaps.items()) if keys}


class _Freezer:
    """Copies weeks from the attempt view to the warehouse."""

    def __init__(
        self, engine: sa.Engine, warehouse: Warehouse, partitions: Partitions, user_ids: Sequence[str]
    ) -> None:
        self.user_ids = user_ids
        self._engine, self._warehouse, self._users = engine, warehouse, partitions.users

    def freeze(self, week: Week, keys: Sequence[str], only: Collection[str] | None) -> int:
        """Number of rows frozen. With `only`, the other users' rows of files that exist already stay as they are."""
        members = self._users.members(self.user_ids, keys)
        renewed = [user for user in members if only is None or user in only]
        everyone = len(renewed) == len(self.user_ids)
        with transaction(self._engine) as connection:
            answers = attempts.between(connection, week.begins_at, week.ends_at, None if everyone else renewed)
        if len(renewed) < len(members):
            if absent := self._warehouse.missing(week, keys):
                return self.freeze(week, absent, None) + self.freeze(week, sorted(set(keys) - set(absent)), only)
            before = self._warehouse.read([week], keys)
            answers = pd.concat([before[~before["user_id"].isin(renewed)], answers])
        key_of = {user: self._users.key_of(user) for user in members}
        self._warehouse.write(week, keys, answers.assign(user_key=answers["user_id"].map(key_of)))
        return len(answers)
