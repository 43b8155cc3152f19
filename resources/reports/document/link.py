"""A name that leads somewhere, in a report's own format. Where it leads was checked when it was told: http or https."""

from dataclasses import dataclass

from resources.reports.document import inert
from resources.reports.document.typeset import literal


@dataclass(frozen=True)
class Link:
    text: str
    url: str

    def __str__(self) -> str:
        return self.text

    def __html__(self) -> str:
        return f'<a href="{inert.html(self.url)}" rel="noopener noreferrer">{inert.html(self.text)}</a>'

    def __typst__(self) -> str:
        return f"link({literal(self.url)}, {literal(self.text)})"
