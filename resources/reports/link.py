"""A name that leads somewhere, in a report's own format. Where it leads was checked when it was told: http or https."""

from dataclasses import dataclass

from markupsafe import escape

from resources.reports.document.typeset import literal


@dataclass(frozen=True)
class Link:
    text: str
    url: str

    def __str__(self) -> str:
        return self.text

    def __html__(self) -> str:
        return f'<a href="{escape(self.url)}" rel="noopener noreferrer">{escape(self.text)}</a>'

    def __typst__(self) -> str:
        return f"link({literal(self.url)}, {literal(self.text)})"
