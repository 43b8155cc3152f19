"""Pictures from Vega-Lite specifications, which are drawn once: PNG for Dagster's pages.

A specification names its data sets and the rows are put in here, so a chart can be redrawn by editing one file. A
learner's charts are documents instead, filled like the page: to draw one by Vega takes longer than all the rest of a
report.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import vl_convert

from resources.model import Floats

Rows = Sequence[Mapping[str, object]]


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
