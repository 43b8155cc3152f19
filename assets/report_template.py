"""Asset `report_template`: the Quarto document, compiled once per content and format."""

import hashlib
from collections.abc import Callable, Mapping

import dagster as dg

from assets.failures import in_words
from resources.model import Format
from resources.reports.document.template import Template


def build(compile_templates: Callable[[], Mapping[Format, Template]]) -> dg.AssetsDefinition:
    """`compile_templates` returns the template of each format that is published."""

    @dg.asset(
        kinds={"quarto"},
        description="The weekly report's Quarto document as a template, compiled once per content hash.",
    )
    @in_words
    def report_template(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        templates = compile_templates()
        compiled_by = ", ".join(sorted({template.compiled_by for template in templates.values()}))
        if not compiled_by.startswith("quarto"):
            context.log.info("Quarto is not on the PATH: %s compiled the report's template.", compiled_by)
        hashes = ", ".join(f"{form} {template.sha256}" for form, template in templates.items())
        return dg.MaterializeResult(
            data_version=dg.DataVersion(hashlib.sha256(hashes.encode()).hexdigest()),
            metadata={"compiled by": compiled_by, "sha256": hashes},
        )

    return report_template
