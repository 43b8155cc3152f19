"""Publishing one week's reports: batch by batch, files first, then their rows.

Stays out: Dagster, and which partitions were asked for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import MappingProxyType

import sqlalchemy as sa

from assets.abilities.plausibility import PLAUSIBLE_LOGITS, plausible
from assets.publishing.group_movement import group_movement
from assets.publishing.report_maker import LINKS, Batch, Failed, Made, ReportMaker
from assets.publishing.report_processes import ReportProcesses
from resources.answers.answers import Answers
from resources.artifacts.store import ArtifactStore
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities
from resources.database.queries.items import item_details
from resources.database.queries.learners import learner_goals, learner_groups
from resources.database.queries.reports import report_artifacts
from resources.model import Absentees, Edition, Format, ItemBank, ItemCatalogue, ReportArtifact, Week
from resources.reports.document.template import Template
from resources.reports.learner.report_input import GroupMovement
from resources.reports.learner.scale import Scale

# Learners per transaction: a killed run loses the rows of the batches under way, and a rerun makes those reports again.
BATCH = 200


@dataclass
class Publisher:
    """Publishes a file per edition and template, with one bank; counts what came of it.
    `links` are the first few; `implausible` are learners and weeks without a report, since an estimate up to then
    cannot be true."""

    engine: sa.Engine
    store: ArtifactStore
    templates: Mapping[Format, Template]
    bank: ItemBank
    scale: Scale
    window_days: int
    processes: ReportProcesses = field(default_factory=partial(ReportProcesses, 1))
    absentees: Absentees = "short"
    editions: Sequence[Edition] = ("learner",)
    written: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    links: list[ReportArtifact] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    implausible: list[tuple[str, Week]] = field(default_factory=list)

    @property
    def published(self) -> int:
        return self.written + self.unchanged

    def publish(
        self,
        week: Week,
        members: Sequence[str],
        answers: Answers,
        counted: Answers,
        done: Callable[[int], None],
        usual_ms: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """Reports for those of `members` who answered in the week or were measured within the look-back.

        `answers` are those of the last weeks, `counted` those of them and of the first that count for ability; `done`
        hears of each few members that are done with; `usual_ms` is how long everybody takes for an item. A learner
        stands among everybody who was measured in the four weeks before: for all of a week they are the same, whatever
        run makes which part of it.

        A report whose inputs are those of the recorded one, and whose file is there, is left as it is. One in which
        nothing is to be said, since answers were taken back or absentees get none, goes: its file, then its row. One
        that fails is in `failed`, and the others are made.

        Raises:
            RetryLater: the database or the store does not answer, or a process was killed; what was published before
                stays.
            StoreRefuses: the store takes no report from this process.
            TemplateBroken: no report can be made from this template.
        """
        parts = [members[start : start + BATCH] for start in range(0, len(members), BATCH)]
        batches = self._batches(week, members, parts, answers, counted, usual_ms)
        made = self.processes.made(self._maker, batches, len(members))
        for part, of_part in zip(parts, made, strict=True):
            self._record(week, of_part)
            done(len(part))

    @cached_property
    def _maker(self) -> ReportMaker:
        with transaction(self.engine) as connection:
            items = ItemCatalogue(item_details.of(connection, self.bank.item_keys))
        return ReportMaker(
            self.store, self.templates, self.bank, items, self.scale, self.window_days, self.absentees, self.editions
        )

    def _batches(
        self,
        week: Week,
        members: Sequence[str],
        parts: Sequence[Sequence[str]],
        answers: Answers,
        counted: Answers,
        usual_ms: Mapping[str, float],
    ) -> Iterator[Batch]:
        """Of each part, without those of an estimate that cannot be true."""
        with transaction(self.engine) as connection:
            history = abilities.history(connection, members, week)
            everybody = abilities.distribution(connection, week, PLAUSIBLE_LOGITS)
            recorded = report_artifacts.of_week(connection, week, members)
            names, goals = learner_groups.names(connection, members), learner_goals.of(connection, members)
            group = group_movement(connection, week) if goals else GroupMovement()
        good = plausible(history["theta"].to_numpy(), history["se"].to_numpy())
        quarantined = set(history["user_id"][~good])
        self.implausible += [(user_id, week) for user_id in sorted(quarantined)]
        for part in parts:
            batch = [user_id for user_id in part if user_id not in quarantined]
            theirs = frozenset(batch)
            yield Batch(
                week, batch, answers.of_users(batch), counted.of_users(batch),
                history[history["user_id"].isin(batch)], everybody, dict(usual_ms),
                {user_id: names[user_id] for user_id in batch if user_id in names},
                {user_id: goals[user_id] for user_id in batch if user_id in goals}, group,
                {(row.user_id, row.edition, row.format): row for row in recorded if row.user_id in theirs},
            )  # fmt: skip

    def _record(self, week: Week, made: Made) -> None:
        if made.written or made.gone:  # a rerun mostly finds all as it was
            with transaction(self.engine) as connection:
                report_artifacts.record(connection, made.written)
                self.withdrawn += report_artifacts.forget(connection, week, [row.url for row in made.gone])
        self.written += len(made.written)
        self.unchanged += made.unchanged
        self.links += made.links[: LINKS - len(self.links)]
        self.failed += made.failed
        self.lost |= made.lost
