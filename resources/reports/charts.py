"""Pictures from Vega-Lite specifications: SVG to stand in a report, PNG for Dagster's pages.

A specification names its data sets and the rows are put in here, so a chart can be redrawn by editing one file.
"""

import functools
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import vl_convert

from resources.errors import TemplateBroken
from resources.model import Floats
from resources.reports.document.typeset import literal

Rows = Sequence[Mapping[str, object]]

_TAG = re.compile(r"<[^>]*>")
_ATTRIBUTES = re.compile(
    r' (?:role|aria-\w+|font-family|font-size|pointer-events|stroke-miterlimit|version|xmlns:xlink)="[^"]*"'
)
_DECIMALS = re.compile(r"(\.\d)\d+")
_FRAMES = re.compile(r'<path class="(?:background|foreground)"[^>]*/>|<text[^>]*/>')
_ROOT = re.compile(r'<svg[^>]*viewBox="([^"]*)"[^>]*>')


@dataclass(frozen=True)
class Chart:
    """The inside of an `<svg>` with its view box; `words` is the text alternative.

    It has no fonts and its colours are for a white page: the page's style sheet sets both, PDF only the fonts.
    """

    inside: str
    view_box: str
    words: str

    def __html__(self) -> str:
        return f'<svg viewBox="{self.view_box}" role="img" aria-label="{escape(self.words)}">{self.inside}'

    def __typst__(self) -> str:
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{self.view_box}" font-size="13">{self.inside}'
        return f"chart({literal(svg)}, {literal(self.words)})"


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


def svg(spec: str, data: Mapping[str, Rows], words: str) -> Chart:
    """`spec` with `data` by data set; `words` is its text alternative.

    Fonts are left to the page's style sheet. Vega measures every text by reading font files, which took three quarters
    of the time: the specification must be laid out without (`autosize` none, alphabetic baselines).
    """
    vega = json.loads(_unmeasured(spec))
    for dataset in vega["data"]:
        if dataset["name"] in data:
            dataset["values"] = data[dataset["name"]]
    picture = _drawn(json.dumps(vega))
    root = _ROOT.match(picture)
    if root is None:
        raise TemplateBroken("Vega drew no SVG.")
    return Chart(_trimmed(picture[root.end() :]), root[1], words)


def png(spec: str, data: Mapping[str, Rows], scale: float = 1.5) -> bytes:
    """A PNG of `spec` with `data` by data set, `scale` pixels to a unit."""
    picture: bytes = vl_convert.vegalite_to_png(json.loads(spec) | {"datasets": data}, scale=scale)
    return picture


def histogram_rows(measure: str, values: Floats, bins: int = 30) -> Rows:
    """Rows for quarto/charts/histogram.vl.json: finite values in equal bins. Empty without any."""
    counts, edges = np.histogram(values[np.isfinite(values)], bins)
    return [
        {"measure": measure, "low": float(low), "high": float(high), "count": int(n)}
        for low, high, n in zip(edges, edges[1:], counts, strict=False)
        if n
    ]


@functools.lru_cache(maxsize=8)  # the charts of one learner, who may get them in two formats
def _drawn(vega: str) -> str:
    picture: str = vl_convert.vega_to_svg(vega)  # from text: a dict takes half as long again
    return picture


@functools.lru_cache(maxsize=16)
def _unmeasured(spec: str) -> str:
    """The Vega form of a Vega-Lite specification, with every font size 0: Vega does not measure such a text."""

    def without_sizes(node: object) -> object:
        if isinstance(node, dict):
            return {k: 0 if k.lower().endswith("fontsize") else without_sizes(v) for k, v in node.items()}
        return [without_sizes(child) for child in node] if isinstance(node, list) else node

    return json.dumps(vl_convert.vegalite_to_vega(json.dumps(without_sizes(json.loads(spec)))))


def _trimmed(svg: str) -> str:
    return _TAG.sub(lambda tag: _DECIMALS.sub(r"\1", _ATTRIBUTES.sub("", tag[0])), _FRAMES.sub("", svg))
