"""A compiled report document: what is the same for every learner and every week."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from resources.model import Format
from resources.reports.i18n.wording import Words

Markup = Literal["html", "typst"]


@dataclass(frozen=True)
class Template:
    """`source` is HTML (of a page or a mail) or Typst with Jinja's placeholders and control flow; `charts` are SVG with
    the same, of the charts that it shows, by name; `words` is the language of both.

    `sha256` covers all three: two templates with one hash make the same reports. `compiled_by` names tool and version.
    """

    source: str
    charts: Mapping[str, str]
    sha256: str
    compiled_by: str
    words: Words = field(default_factory=Words)
    format: Format = "html"

    @property
    def markup(self) -> Markup:
        """What `source` is written in."""
        return "typst" if self.format == "pdf" else "html"
