"""A class report from a template and one group's week: the same bytes from the same input."""

import hashlib
from collections.abc import Mapping

from resources.model import Format, safe_key
from resources.reports.classes.class_input import ClassInput
from resources.reports.classes.view_model import class_view
from resources.reports.document.checks import verify
from resources.reports.document.fill import finished
from resources.reports.document.recipe import recipe
from resources.reports.document.template import Template

DOCUMENT = "class_report.qmd"
# Raise it with every change of code in this folder that shows: all class reports are then made again.
VERSION = 2
# Of a thousand learners; a class of thirty takes 40 kB.
MAX_BYTES: Mapping[Format, int] = {"html": 1_500_000, "pdf": 3_000_000}


def render_class(template: Template, given: ClassInput, lost: set[str] | None = None) -> bytes:
    """One self-contained file, HTML in UTF-8 or PDF, as the template is; its marks are checked. Characters of a PDF
    that no font of this machine has are put into `lost`.

    Raises:
        OperatorRequired: no font of this machine has a text of the PDF, and there is no `lost`.
        ReportBroken: it is not whole.
        TemplateBroken: the document names something that the view does not have, or is no Jinja template.
    """
    marker = {
        "user": safe_key(given.group),
        "week": given.week.key,
        "template": template.sha256,
    }
    values = {**vars(class_view(template.words, given)), "marker": marker, "charts": {}}
    page = finished(DOCUMENT, template, values, given.week, lost)
    verify(page, given.group, given.week, template, MAX_BYTES)
    return page


def fingerprint(template: Template, given: ClassInput) -> str:
    """SHA-256 of everything that a class report's bytes depend on."""
    parts = (
        recipe(), VERSION, template.sha256, given.group, given.week, given.learners, given.bank.version,
        given.bank.model, given.items.sha256, given.scale, given.window_days,
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()
