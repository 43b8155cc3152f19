"""Asset checks: what must hold of the stored results before anything is built on them."""

import dagster as dg
import sqlalchemy as sa

from resources.database.engine import transaction
from resources.database.queries import abilities

# Beyond this many SDs of the population an estimate speaks of the items, not of the learner.
PLAUSIBLE_LOGITS = 8.0


def build() -> list[dg.AssetChecksDefinition]:
    @dg.asset_check(
        asset="theta_estimates",
        blocking=True,
        description=f"Every stored theta lies within ±{PLAUSIBLE_LOGITS:g} logits, with a standard error above 0.",
    )
    def plausible_thetas(engine: dg.ResourceParam[sa.Engine]) -> dg.AssetCheckResult:
        with transaction(engine) as connection:
            bad = abilities.implausible(connection, PLAUSIBLE_LOGITS)
        return dg.AssetCheckResult(
            passed=not bad, metadata={"implausible": len(bad), "first": ", ".join(map(str, bad[:5])) or "none"}
        )

    return [plausible_thetas]
