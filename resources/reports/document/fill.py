"""A report from a template and one learner's week: the same bytes from the same input."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jinja2
from markupsafe import Markup, escape

from resources.errors import TemplateBroken
from resources.model import Format, safe_key
from resources.reports.charts import Chart, svg
from resources.reports.document import typeset
from resources.reports.document.checks import check_filled
from resources.reports.document.template import Template
from resources.reports.learner.report_input import ReportInput
from resources.reports.learner.view_model import View, view


def render(template: Template, given: ReportInput) -> bytes:
    """One self-contained file, HTML in UTF-8 or PDF, as the template is.

    Raises:
        OperatorRequired: no font of this machine has a text of the PDF.
        ReportBroken: a place in a PDF was not filled, or a picture is empty; of HTML, `checks.verify` finds that.
        TemplateBroken: the document names something that the view does not have, or is no Jinja template.
    """
    try:
        filled = _parsed(template.format, template.source).render(names(template, given))
    except jinja2.TemplateError as error:
        raise TemplateBroken(f"quarto/weekly_report.qmd cannot be filled: {error}.") from error
    if template.format == "html":
        return filled.encode()
    check_filled(filled, "pdf")
    return typeset.pdf(filled, given.week.ends_at)


def names(template: Template, given: ReportInput) -> Mapping[str, object]:
    """Everything that the document can name."""
    seen = view(template.words, given)
    marker = {
        "user": safe_key(given.user_id),
        "week": given.week.key,
        "template": template.sha256,
        "compiled_by": template.compiled_by,
    }
    return {**vars(seen), "marker": marker, "charts": _charts(template, seen)}


def _charts(template: Template, seen: View) -> Mapping[str, Chart]:
    """Of those that the document shows, the ones with something to draw."""
    drawn = {"trend": seen.trend, "item_map": seen.item_map, "days": seen.days}
    return {name: svg(spec, of.data, of.words) for name, spec in template.charts.items() if (of := drawn.get(name))}


@dataclass(frozen=True)
class _Syntax:
    """Delimiters of control flow, which are comments of the format, and how a value becomes text in it."""

    opening: str
    closing: str
    inert: Callable[[object], Markup]


def _html(value: object) -> Markup:
    """Escaped, braces too: whatever a topic is called, what looks like a placeholder in a report is one."""
    return Markup(str(escape(value)).replace("{", "&#123;"))  # noqa: S704 - escaped in this line


def _typst(value: object) -> Markup:
    """A string literal as an expression; a picture as the call that draws it."""
    picture = getattr(value, "__typst__", None)
    return Markup(f"#{picture() if picture else typeset.literal(str(value))};")  # noqa: S704 - nothing acts in a literal


_SYNTAX: Mapping[Format, _Syntax] = {"html": _Syntax("<!--", "-->", _html), "pdf": _Syntax("/*", "*/", _typst)}


@functools.lru_cache(maxsize=4)
def _parsed(form: Format, source: str) -> jinja2.Template:
    """An unknown name is an error and never an empty string."""
    syntax = _SYNTAX[form]
    return jinja2.Environment(
        block_start_string=f"{syntax.opening}%",
        block_end_string=f"%{syntax.closing}",
        comment_start_string=f"{syntax.opening}#",
        comment_end_string=f"#{syntax.closing}",
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=syntax.inert,
    ).from_string(source)
