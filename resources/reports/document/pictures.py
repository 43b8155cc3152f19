"""Pictures that stand in a report, in the form of each format."""

import math
from dataclasses import dataclass

from resources.reports.document.typeset import literal


@dataclass(frozen=True)
class Chart:
    """A filled document of quarto/charts, which is a whole SVG; `words` is its text alternative.

    Its colours and the size of its type are for a white page: the page's style sheet sets both, PDF takes them as they
    are.
    """

    svg: str
    words: str

    def __html__(self) -> str:
        return self.svg

    def __typst__(self) -> str:
        return f"chart({literal(self.svg)}, {literal(self.words)})"


@dataclass(frozen=True)
class Bar:
    """A bar of the share right with a mark at the expected share, or without where that is NaN; in [0, 1].

    Hidden from screen readers: the same numbers stand beside it.
    """

    share: float
    expected: float

    def __html__(self) -> str:
        at = 100 * self.expected - 0.7
        mark = "" if math.isnan(self.expected) else f'<rect class="mark" x="{at:.1f}" width="1.4" height="8"/>'
        return (
            '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
            '<rect class="all" y="2" width="100" height="4"/>'
            f'<rect class="share" y="2" width="{100 * self.share:.1f}" height="4"/>{mark}</svg>'
        )

    def __typst__(self) -> str:
        expected = "none" if math.isnan(self.expected) else f"{self.expected:.4f}"
        return f"bar({self.share:.4f}, {expected})"
