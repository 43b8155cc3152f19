"""Asset `theta_estimates`: each learner's ability as of the week's end, with its standard error."""

from pathlib import Path

import dagster as dg
import numpy as np
import sqlalchemy as sa

from assets import made_partitions, population
from assets.abilities.scoring import ScoringRules, person_fit
from assets.abilities.weekly_states import weekly_states
from assets.failures import in_words
from assets.metadata.charts import histogram
from assets.partitions import Partitions, UserSelection, selection
from assets.selection import selected_users
from resources.database.engine import transaction
from resources.database.queries.items import item_banks
from resources.database.queries.items.item_banks import BankChoice
from resources.estimators.contract import Estimator
from resources.irt.fit import empirical_reliability
from resources.model import Floats, Thetas
from resources.progress import Progress, Steps
from resources.warehouse.warehouse import Warehouse

# The usual flag: under the model about one learner in forty falls below it.
UNUSUAL_LZ = -2.0


def build(partitions: Partitions, choice: BankChoice, charts: Path) -> dg.AssetsDefinition:
    """`choice` says which item bank to estimate with; `charts` holds the pictures' specifications."""

    @dg.asset(
        deps=["responses", "item_parameters", population.NAME],
        partitions_def=partitions.definition,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="estimator",
        kinds={"postgres"},
        description="Ability (theta, logits) and standard error of each learner at the end of the week (EAP).",
    )
    @in_words
    def theta_estimates(
        context: dg.AssetExecutionContext,
        config: UserSelection,
        engine: dg.ResourceParam[sa.Engine],
        warehouse: dg.ResourceParam[Warehouse],
        rules: dg.ResourceParam[ScoringRules],
        estimator: dg.ResourceParam[Estimator],
        progress: dg.ResourceParam[Progress],
    ) -> dg.MaterializeResult[None]:
        chosen = selection(context)
        users = selected_users(engine, partitions.users, chosen, config.user_ids)
        with transaction(engine) as connection:
            bank = item_banks.load_chosen(connection, choice)
        weekly = weekly_states(
            engine, warehouse, partitions.first_week, partitions.users, users, rules, bank, estimator
        )
        made: list[Thetas] = []
        n_unusual = n_before = n_without = 0
        estimated = Steps(progress, "abilities", users.n_asked(chosen))
        for batch in weekly.make(chosen):
            if not batch.asked_for:
                n_before += len(batch.learners)
                continue
            made.append(batch.thetas)
            n_without += len(batch.learners) - len(batch.thetas.user_ids)
            n_unusual += int((person_fit(batch.thetas, batch.responses, bank) < UNUSUAL_LZ).sum())
            estimated(len(batch.learners))
        for made_too in population.made_on_the_way(weekly.made_populations):
            context.log_event(made_too)
        # Once for the run: a materialization's metadata is repeated on each of its partitions.
        picture = dg.MetadataValue.md(histogram(charts, _distribution(made)))
        context.log_event(dg.AssetObservation(context.asset_key, metadata={"distribution": picture}))
        summary = _summary(made, f"{bank.version} ({bank.model})", estimator.name, n_unusual, n_without, n_before)
        summary |= {"an omitted question counts as": dg.MetadataValue.text(rules.omitted)}
        return made_partitions.result(context, chosen, users, summary)

    return theta_estimates


def _summary(
    made: list[Thetas], bank: str, engine_name: str, n_unusual: int, n_without: int, n_before: int
) -> dict[str, dg.MetadataValue]:
    theta = np.concatenate([thetas.theta for thetas in made])
    se = np.concatenate([thetas.se for thetas in made])
    summary: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(int(theta.size)),
        "without a new estimate: no new answer that can be scored": dg.MetadataValue.int(n_without),
        "answers used": dg.MetadataValue.int(_total(made, "n_items")),
        "answers left out: item not in the bank": dg.MetadataValue.int(_total(made, "n_unknown_item")),
        "answers left out: skipped": dg.MetadataValue.int(_total(made, "n_unusable")),
        "learners and weeks made too, since these rest on them or they on these": dg.MetadataValue.int(n_before),
        "item bank": dg.MetadataValue.text(bank),
        "estimator": dg.MetadataValue.text(engine_name),
    }
    if theta.size > 1:
        summary |= {
            "theta, mean and SD (logits)": dg.MetadataValue.text(f"{theta.mean():.3f} ± {theta.std():.3f}"),
            "reliability, empirical": dg.MetadataValue.float(round(empirical_reliability(theta, se), 3)),
            f"unusual answer patterns (lz* below {UNUSUAL_LZ:g})": dg.MetadataValue.int(n_unusual),
            "standard error, median (logits)": dg.MetadataValue.float(round(float(np.median(se)), 4)),
        }
    return summary


def _distribution(made: list[Thetas]) -> dict[str, Floats]:
    return {
        "theta (logits)": np.concatenate([thetas.theta for thetas in made]),
        "standard error (logits)": np.concatenate([thetas.se for thetas in made]),
    }


def _total(made: list[Thetas], count: str) -> int:
    return sum(int(getattr(thetas, count).sum()) for thetas in made)
