"""Asset `report_template`: the Quarto document, compiled once per content."""

from pathlib import Path

import dagster as dg

from assets.failures import in_words
from resources.reports.compile import compile_template


def build(source: Path, cache: Path) -> dg.AssetsDefinition:
    """`source` is the folder of the Quarto document, `cache` keeps what was compiled."""

    @dg.asset(
        kinds={"quarto"},
        description="The weekly report's Quarto document as a template, compiled once per content hash.",
    )
    @in_words
    def report_template(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        template = compile_template(source, cache)
        if not template.compiled_by.startswith("quarto"):
            context.log.info("Quarto is not on the PATH: %s compiled the report's template.", template.compiled_by)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(template.sha256),
            metadata={"compiled by": template.compiled_by, "sha256": template.sha256, "bytes": len(template.html)},
        )

    return report_template
