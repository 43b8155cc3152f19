"""A report from a template and one learner's week: the same bytes from the same input."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jinja2

from resources.errors import TemplateBroken
from resources.model import Edition, Week, safe_key
from resources.reports.document import inert, typeset
from resources.reports.document.checks import check_filled
from resources.reports.document.foreign import Foreign
from resources.reports.document.link import Link
from resources.reports.document.mail import message
from resources.reports.document.pictures import Bar, Chart
from resources.reports.document.template import Markup, Template
from resources.reports.learner.report_input import ReportInput
from resources.reports.learner.view_model import View, view

# What has a form of its own in each format; every other value is text.
_FORMED = (Chart, Bar, Link, Foreign)


def render(template: Template, given: ReportInput, lost: set[str] | None = None, edition: Edition = "learner") -> bytes:
    """One self-contained file, HTML in UTF-8, PDF or a mail, as the template is. Characters of a PDF that no font of
    this machine has are put into `lost`.

    Raises:
        OperatorRequired: no font of this machine has a text of the PDF, and there is no `lost`.
        ReportBroken: a place in a PDF was not filled, or a picture is empty; of HTML, `checks.verify` finds that.
        TemplateBroken: the document names something that the view does not have, or is no Jinja template.
    """
    return finished("weekly_report.qmd", template, names(template, given, edition), given.week, lost)


def finished(
    document: str, template: Template, values: Mapping[str, object], week: Week, lost: set[str] | None = None
) -> bytes:
    """The file of any of our documents, with `values` for what it names; as `render`, and with its errors."""
    filled = _filled(f"quarto/{document}", template.markup, template.source, values)
    if template.format == "html":
        return filled.encode()
    if template.format == "eml":
        return message(filled, str(values["week"]))
    check_filled(filled, "typst")
    return typeset.pdf(filled, week.ends_at, lost)


def names(template: Template, given: ReportInput, edition: Edition = "learner") -> Mapping[str, object]:
    """Everything that the document can name."""
    seen = view(template.words, given, edition)
    marker = {
        "user": safe_key(given.user_id),
        "week": given.week.key,
        "template": template.sha256,
    }
    return {**vars(seen), "marker": marker, "charts": charts(template, seen), "mail": template.format == "eml"}


def charts(template: Template, seen: View) -> Mapping[str, Chart]:
    """Of those that the document shows, the ones with something to draw.

    They name what the document names, and an SVG is filled as HTML is, whatever the report's format.
    """
    drawn = {"trend": seen.trend, "item_map": seen.item_map, "days": seen.days}
    return {
        name: Chart(_filled(f"quarto/charts/{name}.svg", "html", source, vars(seen)), of.words)
        for name, source in template.charts.items()
        if (of := drawn.get(name))
    }


def _filled(document: str, markup: Markup, source: str, values: Mapping[str, object]) -> str:
    try:
        return _parsed(markup, source).render(values)
    except jinja2.TemplateError as error:
        raise TemplateBroken(f"{document} cannot be filled: {error}.") from error


@dataclass(frozen=True)
class _Syntax:
    """Delimiters of control flow, which are comments of the format, and how a value becomes text in it."""

    opening: str
    closing: str
    inert: Callable[[object], str]


def _html(value: object) -> str:
    return value.__html__() if isinstance(value, _FORMED) else inert.html(str(value))


def _typst(value: object) -> str:
    """A string literal as an expression, in which nothing acts; a picture or a link as the call that makes it."""
    return f"#{value.__typst__() if isinstance(value, _FORMED) else typeset.literal(str(value))};"


_SYNTAX: Mapping[Markup, _Syntax] = {"html": _Syntax("<!--", "-->", _html), "typst": _Syntax("/*", "*/", _typst)}


@functools.lru_cache(maxsize=16)
def _parsed(markup: Markup, source: str) -> jinja2.Template:
    """An unknown name is an error and never an empty string."""
    syntax = _SYNTAX[markup]
    return jinja2.Environment(
        block_start_string=f"{syntax.opening}%",
        block_end_string=f"%{syntax.closing}",
        comment_start_string=f"{syntax.opening}#",
        comment_end_string=f"#{syntax.closing}",
        autoescape=False,  # noqa: S701 - `inert` makes every value text; to escape that again took a quarter of a report
        undefined=jinja2.StrictUndefined,
        finalize=syntax.inert,
    ).from_string(source)
