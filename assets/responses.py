"""Asset `responses`: a week's answers, taken apart from the platform's JSON once and frozen as Parquet."""

from collections import Counter

import dagster as dg
import sqlalchemy as sa

from assets import made_partitions
from assets.abilities.freezing import Freezer, gaps
from assets.failures import in_words
from assets.partitions import Partitions, UserSelection, selection
from assets.selection import selected_users
from resources.answers.blanks import Counts
from resources.database.engine import transaction
from resources.database.queries.sessions import attempts
from resources.progress import Progress
from resources.warehouse.warehouse import Warehouse


def build(partitions: Partitions) -> dg.AssetsDefinition:
    @dg.asset(
        deps=["exam_results"],
        partitions_def=partitions.definition,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="database",
        kinds={"postgres", "parquet"},
        description="Each learner's answers of one week, frozen: what follows reads these, not the platform's tables.",
    )
    @in_words
    def responses(
        context: dg.AssetExecutionContext,
        config: UserSelection,
        engine: dg.ResourceParam[sa.Engine],
        warehouse: dg.ResourceParam[Warehouse],
        progress: dg.ResourceParam[Progress],
    ) -> dg.MaterializeResult[None]:
        chosen = selection(context)
        users = selected_users(engine, partitions.users, chosen, config.user_ids)
        freezer = Freezer(engine, warehouse, partitions.users, users)
        missing = gaps(chosen, partitions.first_week, warehouse)
        for n, (week, keys) in enumerate(missing.items()):
            freezer.freeze_missing(week, keys)
            progress("earlier weeks frozen", n + 1, len(missing))
        questions, malformed, recomputed = Counts(), Counter[str](), 0
        for n, (week, keys) in enumerate(chosen.keys.items()):
            asked = users.asked(keys)
            questions += freezer.freeze(week, keys)
            of_week = (week.begins_at, week.ends_at, users.named(asked))
            with transaction(engine) as connection:
                malformed.update(attempts.malformed(connection, *of_week))
                recomputed += attempts.of_recomputed_sessions(connection, *of_week)
            progress("weeks frozen", n + 1, len(chosen.keys))
        return made_partitions.result(
            context,
            chosen,
            users,
            {
                "dagster/row_count": questions.total,
                "users": len(users.asked(chosen.user_keys)),
                **questions.by_name(),
                "malformed answers left out": malformed.total(),
                **{f"left out, since {why}": n for why, n in malformed.items()},
                "answers of sessions computed anew later, by the session's beginning": recomputed,
                "earlier weeks frozen, since abilities rest on them": ", ".join(map(str, missing)) or "none",
            },
        )

    return responses
