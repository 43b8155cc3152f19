"""Asset `cohort_reports`: the staff's report of a week, one page per item bank that the week's estimates rest on.

Partitioned by week alone: a cohort is everybody. Where Quarto or R is missing nothing is made, and the run says so.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import sqlalchemy as sa

from assets.abilities.scoring import ScoringRules
from assets.cohort.tables import Source
from assets.failures import in_words
from assets.partitions import Partitions
from resources.artifacts.store import ArtifactStore, checked_key
from resources.model import Language, Week, safe_key
from resources.progress import Progress
from resources.reports import cohort_document
from resources.reports.learner.scale import Scale
from resources.warehouse.warehouse import Warehouse

REPORT = "report under item bank "  # and its version: the name of the metadata with the page's address


def build(partitions: Partitions, source: Path, language: Language) -> dg.AssetsDefinition:
    """`source` is the folder of the Quarto documents; the pages are in `language`."""

    @dg.asset(
        deps=["theta_estimates"],
        partitions_def=partitions.weeks,
        pool="reports",
        kinds={"quarto", "r"},
        output_required=False,
        description="The week's cohort, for the staff: distribution, reliability, growth, participation, items.",
    )
    def cohort_reports(
        context: dg.AssetExecutionContext,
        engine: dg.ResourceParam[sa.Engine],
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[ArtifactStore],
        rules: dg.ResourceParam[ScoringRules],
        scale: dg.ResourceParam[Scale],
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[None]]:
        publisher = _CohortPublisher(
            Source(engine, warehouse, partitions.first_week, partitions.users, rules, scale),
            artifacts,
            source,
            language,
            progress,
        )
        if lacking := in_words(cohort_document.lacking)():
            note = f"No cohort report is made here. {lacking}"
            context.log.warning(note)
            # No materialization: once Quarto is there, Dagster shows which weeks have no report yet.
            context.log_event(
                dg.AssetObservation(context.asset_key, partition=context.partition_key, metadata={"skipped": note})
            )
            return
        yield in_words(publisher.publish)(Week.parse(context.partition_key))

    return cohort_reports


def cohort_key(week: Week, bank_version: str) -> str:
    """Such as `cohorts/2025-01-06/<safe bank version>/cohort_report.html`."""
    return checked_key(f"cohorts/{week}/{safe_key(bank_version)}/cohort_report.html")


@dataclass(frozen=True)
class _CohortPublisher:
    cohorts: Source
    artifacts: ArtifactStore
    source: Path
    language: Language
    progress: Progress

    def publish(self, week: Week) -> dg.MaterializeResult[None]:
        urls: dict[str, dg.MetadataValue] = {}
        digest = hashlib.sha256()
        for version, tables in self.cohorts.cohorts(week, self.progress):
            page = cohort_document.render(self.source, tables, self.language)
            url = self.artifacts.put(cohort_key(week, version), page, "text/html; charset=utf-8")
            urls[f"{REPORT}{version}"] = dg.MetadataValue.url(url)
            digest.update(page)
        return dg.MaterializeResult(metadata=urls, data_version=dg.DataVersion(digest.hexdigest()))
