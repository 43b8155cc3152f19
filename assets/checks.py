"""Asset checks: what must hold of the stored results, and what to do where it does not (`assets/checking`).

A check judges the weeks and user keys of its run, and is one evaluation for all of them. Dagster 1.13 can keep one per
partition; a week of a thousand user keys would then write thousands of them, and a run over a range names no partition
in any case. Asked for alone, a check judges the newest week.
"""

import datetime as dt
from collections.abc import Callable
from functools import partial

import dagster as dg
import sqlalchemy as sa

from assets.checking import estimates, reports
from assets.checking.finding import Finding
from assets.failures import in_words
from assets.partitions import Partitions, selection
from assets.selection import Selection
from resources.artifacts.store import ArtifactStore
from resources.database.engine import transaction
from resources.database.queries.estimates import made_weeks
from resources.database.queries.items.item_banks import BankChoice
from resources.model import Week
from resources.warehouse.warehouse import Warehouse

IN_TIME = dg.AssetCheckKey(dg.AssetKey("weekly_reports"), "made_in_time")

_Judge = Callable[[Selection, sa.Engine, Warehouse, ArtifactStore], Finding]


def build(
    partitions: Partitions, choice: BankChoice, made_by: Callable[[Week], dt.datetime]
) -> list[dg.AssetChecksDefinition]:
    """`choice` says under which item bank, and `made_by` until when a week should be made.

    Only what would send wrong numbers to many learners blocks their reports.
    """
    keys, first = partitions.users, partitions.first_week

    check = partial(_check, partitions)
    return [
        check("theta_estimates", "plausible_thetas", "No estimate lies beyond what can be. A few keep only their own "
              "learners' reports back, many keep everybody's.",
              lambda of, engine, *_: estimates.plausible(engine, of, keys), blocking=True),
        check("theta_estimates", "complete", "Whoever answered has an estimate, or nothing that can be scored.",
              lambda of, engine, frozen, _: estimates.complete(engine, frozen, of, keys)),
        check("theta_estimates", "answers_in_bank", "Of the answers, few are to items that are not in the bank: a "
              f"warning from {estimates.WARN_UNKNOWN:.0%}, a failure from {estimates.FAIL_UNKNOWN:.0%}.",
              lambda of, engine, frozen, _: estimates.answers_in_bank(engine, frozen, choice, of)),
        check("theta_estimates", "current_abilities", "No current ability is older than the last week with answers.",
              lambda of, engine, *_: estimates.current(engine, of, keys)),
        check("theta_estimates", "as_expected", "Mean and spread of abilities are what the model of growth expects.",
              lambda of, engine, *_: estimates.as_expected(engine, of)),
        check("theta_estimates", "bank_age", f"The item bank is at most {estimates.OLD_BANK_WEEKS} weeks old.",
              lambda of, engine, *_: estimates.bank_age(engine, choice, of)),
        check("weekly_reports", "up_to_date", "No report tells a history that has changed since it was made.",
              lambda _, engine, *__: reports.up_to_date(engine)),
        check("weekly_reports", "stored", "Files of a sample of reports are as their rows say.",
              lambda of, engine, _, store: reports.stored(engine, store, of)),
        check("weekly_reports", IN_TIME.name, "Six hours after the schedule, the week before is made for "
              "everybody.",
              lambda _, engine, *__: reports.made_in_time(engine, keys, first, made_by, dt.datetime.now(dt.UTC))),
    ]  # fmt: skip


def _check(
    partitions: Partitions, asset: str, name: str, description: str, judge: _Judge, *, blocking: bool = False
) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=asset, name=name, description=description, blocking=blocking)
    @in_words
    def judged(
        context: dg.AssetCheckExecutionContext,
        engine: dg.ResourceParam[sa.Engine],
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[ArtifactStore],
    ) -> dg.AssetCheckResult:
        of = selection(context) if context.has_partition_key or context.has_partition_key_range else _newest(engine)
        found = judge(of, engine, warehouse, artifacts) if of.weeks else Finding("passed", "Nothing was made so far.")
        severity = dg.AssetCheckSeverity.WARN if found.level == "warning" else dg.AssetCheckSeverity.ERROR
        return dg.AssetCheckResult(
            passed=found.level == "passed", severity=severity, description=found.sentence, metadata=dict(found.numbers)
        )

    return judged


def _newest(engine: sa.Engine) -> Selection:
    """The newest week that was made, and its user keys."""
    with transaction(engine) as connection:
        made = made_weeks.read(connection)
    newest = max((week for week, _ in made), default=None)
    return Selection({newest: sorted(key for week, key in made if week == newest)} if newest else {})
