"""Asset `population`: how the group of learners moved in a week, which every estimate of the week rests on.

Made once, by whichever run comes first, from everybody's answers; then it stands, and a learner's late answer moves
that learner alone. By hand it is made anew, and this week and all later ones are then out of date.
"""

from collections.abc import Mapping

import dagster as dg
import sqlalchemy as sa

from assets.abilities.scoring import ScoringRules
from assets.abilities.weekly_states import weekly_states
from assets.failures import in_words
from assets.partitions import Partitions
from assets.selection import Selection, selected_users
from resources.database.engine import transaction
from resources.database.queries.items import item_banks
from resources.database.queries.items.item_banks import BankChoice
from resources.estimators.contract import Estimator
from resources.irt.growth.population import MIN_ACTIVE, Population
from resources.model import Week
from resources.warehouse.warehouse import Warehouse

NAME = "population"


def build(partitions: Partitions, choice: BankChoice) -> dg.AssetsDefinition:
    """`choice` says under which item bank."""

    @dg.asset(
        name=NAME,
        deps=["responses", "item_parameters"],
        partitions_def=partitions.weeks,
        pool="estimator",
        kinds={"postgres"},
        description="How the group's ability moved in the week, from all learners: drift, innovation, newcomers.",
    )
    @in_words
    def population(
        context: dg.AssetExecutionContext,
        engine: dg.ResourceParam[sa.Engine],
        warehouse: dg.ResourceParam[Warehouse],
        rules: dg.ResourceParam[ScoringRules],
        estimator: dg.ResourceParam[Estimator],
    ) -> dg.MaterializeResult[None]:
        week = Week.parse(context.partition_key)
        users = selected_users(engine, partitions.users, Selection({}), None)
        with transaction(engine) as connection:
            bank = item_banks.load_chosen(connection, choice)
        weekly = weekly_states(
            engine, warehouse, partitions.first_week, partitions.users, users, rules, bank, estimator
        )
        return dg.MaterializeResult(metadata=described(weekly.population(week)))

    return population


def made_on_the_way(found: Mapping[Week, Population]) -> list[dg.AssetMaterialization]:
    """For Dagster's history: the weeks that a run had to make for the sake of its estimates."""
    return [
        dg.AssetMaterialization(NAME, partition=week.key, metadata=described(of)) for week, of in found.items()
    ]  # fmt: skip


def described(found: Population) -> dict[str, dg.MetadataValue]:
    """What a psychometrician asks of it."""
    return {
        "drift (logits a week)": _with_error(found.drift, found.drift_se),
        "drift in weeks of absence": _with_error(found.absence_drift, found.absence_drift_se),
        "innovation SD (logits a week)": _with_error(found.tau, found.innovation.tau_sd),
        "newcomers, mean (logits)": _with_error(found.newcomers.mean, found.newcomers.mean_se),
        "newcomers, SD (logits)": dg.MetadataValue.float(round(found.newcomers.sd, 4)),
        "learners with a state who answered": dg.MetadataValue.int(found.n_active),
        "of them back after a week or more": dg.MetadataValue.int(found.n_returning),
        "newcomers": dg.MetadataValue.int(found.n_newcomers),
        "how": dg.MetadataValue.text(_how(found)),
    }


def _with_error(value: float, se: float) -> dg.MetadataValue:
    return dg.MetadataValue.text(f"{value:+.4f} ± {se:.4f}" if se == se else f"{value:+.4f}")


def _how(found: Population) -> str:
    if not found.enough:
        return (
            f"drift 0 and the innovation of the weeks before: of {found.n_active} learners with a state who answered "
            f"nothing can be said, {MIN_ACTIVE} are needed"
        )
    return "the drift was given by IRT_DRIFT" if found.drift_is_given else "estimated by maximum likelihood"
