"""What a template must hold before it is filled, and a report before anyone sees it.

The output is examined, not the exit code of what made it: a renderer that drops a placeholder ends with success.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from resources.errors import ReportBroken, TemplateBroken
from resources.model import Format, Week, safe_key
from resources.reports.document.mail import html_of
from resources.reports.document.template import Markup, Template

# A PDF brings its fonts: a Korean one of two pages has some 100 kB of them. Gmail cuts a longer mail.
MAX_BYTES: Mapping[Format, int] = {"html": 150_000, "pdf": 400_000, "eml": 102_000}

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_MARKED_VALUE = re.compile(r"\[([\w.]+)\]\{\.v\}")
_MARKED_FLOW = re.compile(r'\{(?:[^{}]*\s)?(each|if)="([^"]*)"[^{}]*\}')
_VALUE = re.compile(r"\{\{ ([\w.]+) \}\}")
_FLOW: Mapping[Markup, re.Pattern[str]] = {
    "html": re.compile(r"<!--% (for|if) (.*?) %-->"),
    "typst": re.compile(r"/\*% (for|if) (.*?) %\*/"),
}
_ASKED_RANK = re.compile(r"^(#+) ", re.MULTILINE)
_RANK: Mapping[Markup, re.Pattern[str]] = {
    "html": re.compile(r"<h([1-6])\b"),
    "typst": re.compile(r"^(=+) ", re.MULTILINE),
}
_NEEDED: Mapping[Markup, Sequence[str]] = {
    "html": ('<html lang="', 'http-equiv="Content-Security-Policy"', 'name="seedtest:user"'),
    "typst": ("set document(", "seedtest:user="),
}
_MARKER: Mapping[Markup, re.Pattern[str]] = {
    "html": re.compile(r'<meta name="seedtest:([\w-]+)" content="([^"]*)"'),
    "typst": re.compile(r"seedtest:([\w-]+)=([^,<]*)(?=[^<]*</pdf:Keywords>)"),
}
_END: Mapping[Markup, str] = {"html": "</html>", "typst": "%%EOF"}
_PAGES = re.compile(r"<xmpTPg:NPages>[1-9]")
_PICTURE = re.compile(r"<svg\b.*?</svg>|<img\b[^>]*>", re.DOTALL)
_LOADS: Mapping[Markup, re.Pattern[str]] = {
    "html": re.compile(
        r"""<script|@import|\burl\((?!['"]?data:)|\b(?:src|srcset|href|action)=["']?(?!data:|#)[^"'>]""", re.IGNORECASE
    ),
    "typst": re.compile(r"#?\b(?:import|include)\b\s*\"|\b(?:read|plugin|csv|json|image|link)\(\s*\""),
}
_UNFILLED: Mapping[Markup, re.Pattern[str]] = {
    "html": re.compile(r"\{\{|<!--%|%-->|\{\.v\}"),
    "typst": re.compile(r"\{\{|/\*%|%\*/|\{\.v\}"),
}


def check_template(source: str, document: str, markup: Markup = "html") -> None:
    """Nothing, if `source`, compiled to `markup`, is what `document` (the .qmd) asks for.

    Raises:
        TemplateBroken: the first thing that is wrong with it.
    """
    if missing := set(_MARKED_VALUE.findall(document)) - set(_VALUE.findall(source)):
        raise TemplateBroken(
            f"The compiled document lost its placeholders {sorted(missing)}", remedy="did the filter run?"
        )
    asked = Counter(("for" if word == "each" else word, what) for word, what in _MARKED_FLOW.findall(document))
    found = Counter(_FLOW[markup].findall(source))
    if asked != found:
        difference = sorted((asked - found) + (found - asked))
        raise TemplateBroken(f"The compiled document lost or doubled these loops or conditions: {difference}.")
    ranks = Counter(len(marks) for marks in _ASKED_RANK.findall(document))
    made = Counter(int(rank) if rank.isdigit() else len(rank) for rank in _RANK[markup].findall(source))
    if ranks - made or set(made - ranks) - {1}:  # the page's frame adds the title
        raise TemplateBroken(
            f"The compiled document has headings of ranks {sorted(made.elements())} for {sorted(ranks.elements())}",
            remedy="does its header say shift-heading-level-by: 0 for typst?",
        )
    if loads := _LOADS[markup].search(source):
        raise TemplateBroken(f"The compiled document loads something: {loads[0]!r}. A report must stand alone.")
    for needed in _NEEDED[markup]:
        if needed not in source:
            raise TemplateBroken(f"The compiled document has no {needed}", remedy="is theme/page.* its template?")
    if markup == "html":
        nesting = _Nesting()
        nesting.feed(source)
        nesting.close()


def check_chart(svg: str, name: str) -> None:
    """Nothing, if `svg`, a document of quarto/charts, can stand in a report of either format.

    Raises:
        TemplateBroken: the first thing that is wrong with it.
    """
    where = f"quarto/charts/{name}"
    if loads := _LOADS["html"].search(svg):
        raise TemplateBroken(f"The chart loads something: {loads[0]!r}. A report must stand alone.", where=where)
    drawing = re.sub(r"^<!--#.*?#-->\s*", "", svg, flags=re.DOTALL)
    for needed in ('<svg xmlns="http://www.w3.org/2000/svg" ', ' viewBox="', ' role="img" ', ' aria-label="{{ '):
        if needed not in drawing.partition(">")[0] + " ":
            raise TemplateBroken(f"The chart has no {needed.strip()} in its first element.", where=where)
    try:
        ET.fromstring(drawing)  # noqa: S314 - the operator's own file
    except ET.ParseError as error:
        raise TemplateBroken(f"The chart is no XML, which a PDF needs: {error}.", where=where) from error
    nesting = _Nesting()
    nesting.feed(drawing)
    nesting.close()


def verify(
    report: bytes, user_id: str, week: Week, template: Template, max_bytes: Mapping[Format, int] = MAX_BYTES
) -> None:
    """Nothing, if `report` is a whole report of this user, or group, and week from this template.

    Raises:
        ReportBroken: the first thing that is wrong with it.
    """
    about = f"The report of {user_id!r} for {week}"
    text = html_of(report) if template.format == "eml" else report.decode(errors="replace")
    size = len(text.encode()) if template.format == "eml" else len(report)
    if size > max_bytes[template.format]:
        raise ReportBroken(f"{about} has {size:,} bytes, more than {max_bytes[template.format]:,}.")
    if not text.rstrip().endswith(_END[template.markup]):
        raise ReportBroken(f"{about} has no end.")
    wanted = {"user": safe_key(user_id), "week": week.key, "template": template.sha256}
    if (marked := dict(_MARKER[template.markup].findall(text))) != wanted:
        raise ReportBroken(f"{about} is marked {marked} and should be marked {wanted}.")
    if template.markup == "html":
        check_filled(text, "html")
    elif not _PAGES.search(text):
        raise ReportBroken(f"{about} has no page.")


def check_filled(filled: str, markup: Markup) -> None:
    """Nothing, if all of a template was filled, and its pictures show something. Of a PDF, `filled` is the source.

    Raises:
        ReportBroken: the first thing that is wrong with it.
    """
    if unfilled := _UNFILLED[markup].search(filled):
        raise ReportBroken(f"A report has an unfilled place: {filled[unfilled.start() : unfilled.start() + 60]!r}.")
    for picture in _PICTURE.findall(filled):
        if not re.search(r"<(path|line|rect|circle)\b|src=\"data:", picture) or re.search(r"NaN|undefined", picture):
            raise ReportBroken(f"A report has an empty picture: {picture[:60]!r}.")


class _Nesting(HTMLParser):
    """Control flow must open and close inside one element: otherwise a condition that does not hold breaks the page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.flow: list[tuple[str, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.elements.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self.elements or self.elements.pop() != tag:
            raise TemplateBroken(
                f"The compiled document closes <{tag}> where it is not open (line {self.getpos()[0]})."
            )

    def handle_comment(self, data: str) -> None:
        words = data.strip("% ").split()
        if not data.startswith("%") or not words:
            return
        if not words[0].startswith("end"):
            self.flow.append((words[0], self.elements.copy()))
        elif not self.flow or self.flow.pop() != (words[0].removeprefix("end"), self.elements):
            raise TemplateBroken(f"A {words[0]} of the compiled document ends in another element than it began in.")

    def close(self) -> None:
        super().close()
        if self.elements or self.flow:
            raise TemplateBroken(f"The compiled document ends inside {self.elements or self.flow[-1][0]}.")
