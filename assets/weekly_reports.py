"""Asset `weekly_reports`: a readable report per learner and week, published together with its catalogue row.

One learner whose report fails does not stop the others: the good ones are published, the run ends red and names the
rest, and a rerun makes only what is missing or has changed. Reports of other weeks whose learners' history has changed
since are made again in the same run.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence

import dagster as dg
import sqlalchemy as sa

from assets import made_partitions
from assets.abilities.scoring import ScoringRules
from assets.failures import in_words
from assets.partitions import Partitions, UserSelection, partition_key, selection
from assets.publishing.departed import Departed, remove_departed
from assets.publishing.outdated_reports import outdated, publish
from assets.publishing.publisher import Publisher
from assets.publishing.report_maker import Failed
from assets.publishing.report_processes import ReportProcesses, cores
from assets.selection import SelectedUsers, Selection, selected_users
from resources.artifacts.links import Links
from resources.artifacts.store import ArtifactStore, report_key
from resources.database.engine import transaction
from resources.database.queries.items import item_banks
from resources.database.queries.items.item_banks import BankChoice
from resources.model import Absentees, Edition, Format, ReportArtifact
from resources.progress import Progress, Steps
from resources.reports.document.template import Template
from resources.reports.learner.scale import Scale
from resources.warehouse.warehouse import Warehouse

_SYNTAX = re.compile(r"[\\`*_\[\]()<>|~#!]")  # of Markdown: an id may hold anything
_LINK_S = 24 * 3600  # a look at this run on the day it ends; whoever comes later finds reports by `seedtest reports`
_NAMED = 20  # failures that a message shows; the count is always whole


def build(
    partitions: Partitions,
    choice: BankChoice,
    compile_templates: Callable[[], Mapping[Format, Template]],
    departed_after: dt.timedelta,
    processes: int | None,
    absentees: Absentees,
    editions: Sequence[Edition],
) -> dg.AssetsDefinition:
    """`choice` says which item bank to report on; `compile_templates` as in `report_template`; who is gone from the
    platform for longer than `departed_after` loses what is stored here. Of `processes` there is one per core unless
    told; `absentees` says which report they get, and `editions` for whom each is made."""

    @dg.asset(
        deps=["theta_estimates", "report_template"],
        partitions_def=partitions.definition,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="reports",
        kinds={"html"},
        description="A report per learner and week, with its row in report_artifacts.",
    )
    @in_words
    def weekly_reports(
        context: dg.AssetExecutionContext,
        config: UserSelection,
        engine: dg.ResourceParam[sa.Engine],
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[ArtifactStore],
        rules: dg.ResourceParam[ScoringRules],
        scale: dg.ResourceParam[Scale],
        links: dg.ResourceParam[Links],
        progress: dg.ResourceParam[Progress],
    ) -> dg.MaterializeResult[None]:
        chosen = selection(context)
        users = selected_users(engine, partitions.users, chosen, config.user_ids)
        with transaction(engine) as connection:
            bank = item_banks.load_chosen(connection, choice)
        with ReportProcesses(processes or cores()) as several:
            publisher = Publisher(
                engine, artifacts, compile_templates(), bank, scale, rules.lookback_days, several, absentees, editions
            )
            made = Steps(progress, "reports", users.n_asked(chosen))
            keys, first = partitions.users, partitions.first_week
            publish(publisher, chosen, users, keys, rules, first, warehouse, made)
            departed, again = Departed(), Selection({})
            if users.only is None:
                again = outdated(engine, chosen, first)
                more = Steps(progress, "reports out of date", users.n_asked(again))
                publish(publisher, again, users, keys, rules, first, warehouse, more)
                now = dt.datetime.now(dt.UTC)
                departed = remove_departed(engine, artifacts, users, keys, set(chosen.user_keys), departed_after, now)
        summary = _summary(publisher, again, departed)
        # Once for the run: a materialization's metadata is repeated on each of its partitions.
        context.log_event(
            dg.AssetObservation(context.asset_key, metadata={"reports": dg.MetadataValue.md(_links(publisher, links))})
        )
        if publisher.failed:
            _mark_the_good(context, partitions, chosen, users, publisher.failed)
            raise dg.Failure(_complaint(publisher.failed), metadata=summary, allow_retries=False)
        return made_partitions.result(context, chosen, users, summary)

    return weekly_reports


def _summary(publisher: Publisher, again: Selection, departed: Departed) -> dict[str, dg.MetadataValue]:
    implausible = [f"{_short(user_id)}, {week}" for user_id, week in publisher.implausible]
    return {
        "dagster/row_count": dg.MetadataValue.int(publisher.published),
        "written": dg.MetadataValue.int(publisher.written),
        "unchanged": dg.MetadataValue.int(publisher.unchanged),
        "failed": dg.MetadataValue.int(len(publisher.failed)),
        "withdrawn: answers were taken back, or absentees get no report": dg.MetadataValue.int(publisher.withdrawn),
        "kept back: an estimate cannot be true": dg.MetadataValue.text(_named(implausible)),
        "replaced in PDFs: no font of this machine has it": dg.MetadataValue.text(
            _named([f"{character} (U+{ord(character):04X})" for character in sorted(publisher.lost)])
        ),
        "other weeks looked at, since what they rest on has changed": dg.MetadataValue.text(
            ", ".join(map(str, again.weeks)) or "none"
        ),
        "learners who are gone from the platform": dg.MetadataValue.int(departed.missing),
        "learners removed, since they are gone for good": dg.MetadataValue.int(departed.learners),
        "their reports and estimates": dg.MetadataValue.text(f"{departed.reports:,}, {departed.estimates:,}"),
        "template": dg.MetadataValue.text("; ".join(
            f"{form} {template.sha256[:12]}, compiled by {template.compiled_by}"
            for form, template in publisher.templates.items()
        )),
    }  # fmt: skip


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return "; ".join(names[:_NAMED]) + more or "none"


def _links(publisher: Publisher, links: Links) -> str:
    lines = [f"- {_opened(report, links)}" for report in publisher.links]
    return "\n".join([*lines, f"{publisher.published:,} in all"])


def _opened(report: ReportArtifact, links: Links) -> str:
    """A link that a browser opens; of a folder's file its address, which no browser follows from a page of the web."""
    name = f"{_as_text(report.user_id)}, {report.week}, {report.kind}"
    (link,) = links.of([report_key(report.week, report.user_id, report.format, report.edition)], _LINK_S)
    if link.expires_at is None:
        return f"{name}: `{report.url}`"
    return f"[{name}]({link.url}), until {link.expires_at:%F %H:%M} UTC"


def _as_text(user_id: str) -> str:
    return _SYNTAX.sub(r"\\\g<0>", _short(user_id))


def _short(user_id: str) -> str:
    return user_id if len(user_id) <= 80 else f"{user_id[:79]}…"


def _complaint(failed: Sequence[Failed]) -> str:
    lines = [
        f"{_short(failure.user_id)}, {failure.week}, {failure.kind}: {failure.reason}" for failure in failed[:_NAMED]
    ]
    more = [f"and {len(failed) - _NAMED} more"] if len(failed) > _NAMED else []
    return "\n".join([
        f"{len(failed)} reports failed; all others are published. "
        "Mend the cause and run the same weeks again: only what is missing is made.",
        *lines,
        *more,
    ])  # fmt: skip


def _mark_the_good(
    context: dg.AssetExecutionContext,
    partitions: Partitions,
    chosen: Selection,
    users: SelectedUsers,
    failed: Sequence[Failed],
) -> None:
    """A failed step records nothing of itself: without this the good partitions would stay unmade in Dagster's eyes."""
    bad = {(failure.week, partitions.users.key_of(failure.user_id)) for failure in failed}
    for week, key in chosen.pairs():
        if (week, key) not in bad and users.whole(key):
            context.log_event(dg.AssetMaterialization(context.asset_key, partition=partition_key(week, key)))
