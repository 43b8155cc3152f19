"""A report from a template and one learner's week: the same bytes from the same input."""

import functools
from collections.abc import Mapping

import jinja2
from markupsafe import Markup, escape

from resources.errors import TemplateBroken
from resources.model import safe_key
from resources.reports.charts import svg
from resources.reports.report_input import ReportInput
from resources.reports.template import Template
from resources.reports.view import View, view


def render(template: Template, given: ReportInput) -> bytes:
    """One self-contained HTML file, in UTF-8.

    Raises:
        TemplateBroken: the document names something that the view does not have, or is no Jinja template.
    """
    seen = view(template.words, given)
    marker = {
        "user": safe_key(given.user_id),
        "week": given.week.key,
        "template": template.sha256,
        "compiled_by": template.compiled_by,
    }
    try:
        return _parsed(template.html).render(vars(seen), marker=marker, charts=_charts(template, seen)).encode()
    except jinja2.TemplateError as error:
        raise TemplateBroken(f"quarto/weekly_report.qmd cannot be filled: {error}.") from error


def _charts(template: Template, seen: View) -> Mapping[str, Markup]:
    if seen.trend is None:
        return {}
    return {"trend": svg(template.charts["trend"], {"weeks": seen.trend.rows}, seen.trend.words)}


@functools.lru_cache(maxsize=4)
def _parsed(html: str) -> jinja2.Template:
    """Delimiters of control flow are comments of HTML; an unknown name is an error and never an empty string."""
    return jinja2.Environment(
        block_start_string="<!--%",
        block_end_string="%-->",
        comment_start_string="<!--#",
        comment_end_string="#-->",
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_inert,
    ).from_string(html)


def _inert(value: object) -> Markup:
    """Escaped, braces too: whatever a topic is called, what looks like a placeholder in a report is one."""
    return Markup(str(escape(value)).replace("{", "&#123;"))  # noqa: S704 - escaped in this line
