"""Asset `class_reports`: a report per group and week for its teacher, from the numbers of its learners' own reports.

Partitioned by week alone: groups come and go, and a learner may be in several. Where no groups are told nothing is
made, and the run says so.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import dagster as dg
import sqlalchemy as sa

from assets.abilities.scoring import ScoringRules
from assets.classes import retention
from assets.classes.learners import Learners
from assets.classes.publisher import ClassPublisher
from assets.failures import in_words
from assets.partitions import Partitions
from resources.artifacts.store import ArtifactStore
from resources.database.engine import transaction
from resources.database.queries.estimates import made_weeks
from resources.database.queries.items import item_banks, item_details
from resources.database.queries.items.item_banks import BankChoice
from resources.database.queries.learners import learner_groups
from resources.database.queries.reports import class_reports as catalogue
from resources.errors import InvalidInput
from resources.model import Format, ItemCatalogue, Member, Week
from resources.progress import Progress, Steps
from resources.reports.classes.class_input import ClassInput
from resources.reports.document.template import Template
from resources.reports.learner.scale import Scale
from resources.warehouse.warehouse import Warehouse

NO_GROUPS = "There are no groups. Tell who is in which: seedtest groups FILE"
_NAMED = 20  # failures that a message shows; the count is always whole


class GroupSelection(dg.Config):
    """Make only these groups' reports."""

    groups: list[str] | None = None


def build(
    partitions: Partitions, choice: BankChoice, compile_templates: Callable[[], Mapping[Format, Template]]
) -> dg.AssetsDefinition:
    """`choice` says which item bank to report on; `compile_templates` makes the class report's."""

    @dg.asset(
        deps=["theta_estimates"],
        partitions_def=partitions.weeks,
        pool="reports",
        kinds={"html"},
        output_required=False,
        description="A report per group and week, for its teacher: who has grown, who may be stuck, what was wrong.",
    )
    def class_reports(
        context: dg.AssetExecutionContext,
        config: GroupSelection,
        engine: dg.ResourceParam[sa.Engine],
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[ArtifactStore],
        rules: dg.ResourceParam[ScoringRules],
        scale: dg.ResourceParam[Scale],
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[None]]:
        classes = _Classes(engine, warehouse, partitions, rules, scale, choice, compile_templates, artifacts)
        metadata = in_words(classes.publish)(Week.parse(context.partition_key), config.groups, progress)
        if metadata and config.groups is None:
            yield dg.MaterializeResult(metadata=metadata)
            return
        # No materialization: the partition is made once all groups were.
        context.log_event(
            dg.AssetObservation(
                context.asset_key, partition=context.partition_key, metadata=metadata or {"skipped": NO_GROUPS}
            )
        )

    return class_reports


@dataclass(frozen=True)
class _Classes:
    engine: sa.Engine
    warehouse: Warehouse
    partitions: Partitions
    rules: ScoringRules
    scale: Scale
    choice: BankChoice
    compile_templates: Callable[[], Mapping[Format, Template]]
    artifacts: ArtifactStore

    def publish(self, week: Week, only: Sequence[str] | None, progress: Progress) -> Mapping[str, dg.MetadataValue]:
        """What came of it, in numbers; nothing where there are no groups. Where all groups' are asked for, reports of
        other weeks that rest on abilities which are others now are made again, too.

        Raises:
            InvalidInput: a group of `only` has no learners.
            dg.Failure: reports of some groups failed; the others are published.
        """
        with transaction(self.engine) as connection:
            groups = learner_groups.learners(connection)
            if not groups:
                return {}
            bank = item_banks.load_chosen(connection, self.choice)
            items = ItemCatalogue(item_details.of(connection, bank.item_keys))
            outdated = catalogue.outdated(connection, made_weeks.digests(connection), groups)
        if unknown := set(only or ()) - groups.keys():
            raise InvalidInput(f"No group {min(unknown)!r} has learners", remedy="see that `seedtest groups` told it.")
        asked = {group: members for group, members in groups.items() if only is None or group in only}
        source = Learners(
            self.engine, self.warehouse, self.partitions.first_week, self.partitions.users, self.rules, self.scale,
            bank, items,
        )  # fmt: skip
        departed = retention.naming_departed(self.engine, self.artifacts) if only is None else []
        retention.remove(self.engine, self.artifacts, departed)
        publisher = ClassPublisher(self.engine, self.artifacts, self.compile_templates())
        self._publish(publisher, source, week, asked, progress)
        again = [other for other in outdated if other != week and only is None]
        for other in again:
            self._publish(publisher, source, other, self._as_it_was(other, groups), progress)
        return _outcome(publisher, len(asked), len(departed), again)

    def _publish(
        self,
        publisher: ClassPublisher,
        source: Learners,
        week: Week,
        groups: Mapping[str, Sequence[Member]],
        progress: Progress,
    ) -> None:
        with transaction(self.engine) as connection:  # before the abilities are read: what changes then is out of date
            made_from = made_weeks.digests(connection).get(week)
            recorded = catalogue.of_week(connection, week)
        learners = source.of(week, {member.user_id for members in groups.values() for member in members}, progress)
        done, n_failed = Steps(progress, f"class reports of {week}", len(groups)), len(publisher.failed)
        for group, members in groups.items():
            of_group = sorted(
                (replace(learners[member.user_id], name=member.name) for member in members),
                key=lambda learner: (_in_order(learner.name or learner.user_id), learner.user_id),
            )
            given = ClassInput(group, week, of_group, source.bank, source.items, self.scale, self.rules.lookback_days)
            publisher.publish(given, [row for row in recorded if row.group == group])
            done(1)
        failed = {group for group, _, _ in publisher.failed[n_failed:]}
        with transaction(self.engine) as connection:
            catalogue.rest_on(connection, week, groups.keys() - failed, made_from)

    def _as_it_was(self, week: Week, groups: Mapping[str, Sequence[Member]]) -> dict[str, list[Member]]:
        """The learners whom the week's reports name, of groups that there still are, by the names that are told now."""
        names = {member.user_id: member.name for members in groups.values() for member in members if member.name}
        with transaction(self.engine) as connection:
            recorded = {row.group: row.learners for row in catalogue.of_week(connection, week) if row.group in groups}
        own = {group: {member.user_id: member.name for member in groups[group]} for group in recorded}
        return {
            group: [Member(user, own[group].get(user) or names.get(user)) for user in learners]
            for group, learners in recorded.items()
        }


def _in_order(name: str) -> list[tuple[bool, int, str]]:
    """Learner 2 before Learner 10."""
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", name)]


def _outcome(
    publisher: ClassPublisher, n_groups: int, n_departed: int, again: Sequence[Week]
) -> Mapping[str, dg.MetadataValue]:
    metadata = {
        "groups": dg.MetadataValue.int(n_groups),
        "written": dg.MetadataValue.int(publisher.written),
        "unchanged": dg.MetadataValue.int(publisher.unchanged),
        "failed": dg.MetadataValue.int(len(publisher.failed)),
        "characters that no font has, shown as replaced in PDFs": dg.MetadataValue.text(
            " ".join(sorted(publisher.lost)) or "none"
        ),
        "deleted, since they name a learner who is gone for good": dg.MetadataValue.int(n_departed),
        "other weeks looked at, since what they rest on has changed": dg.MetadataValue.text(
            ", ".join(map(str, again)) or "none"
        ),
    }
    if publisher.failed:
        lines = [f"{group}, {form}: {reason}" for group, form, reason in publisher.failed[:_NAMED]]
        more = [f"and {len(publisher.failed) - _NAMED} more"] if len(publisher.failed) > _NAMED else []
        first = f"{len(publisher.failed)} class reports failed; all others are published. Mend the cause and run again."
        raise dg.Failure("\n".join([first, *lines, *more]), metadata=metadata, allow_retries=False)
    return metadata
