"""Small pictures for the metadata that Dagster's UI shows, from the specifications in quarto/charts."""

import base64
from collections.abc import Mapping
from pathlib import Path

from assets.calibration.item_bank import Linking
from resources.model import Floats
from resources.reports.vega import Rows, histogram_rows, png


def histogram(charts: Path, measures: Mapping[str, Floats]) -> str:
    """Markdown with a histogram per measure; values that are not finite are left out."""
    rows = [row for measure, values in measures.items() for row in histogram_rows(measure, values)]
    return _markdown(charts / "histogram.vl.json", "bins", rows, ", ".join(measures))


def old_against_new(charts: Path, linking: Linking) -> str:
    """Markdown with the anchors' parameters in the bank in force against the new, linked ones."""
    rows = [
        {"parameter": parameter, "before": float(old), "after": float(new), "state": "moved" if moved else "stable"}
        for parameter, before, after in (
            ("discrimination a", linking.before.a, linking.after.a),
            ("difficulty b (logits)", linking.before.b, linking.after.b),
        )
        for old, new, moved in zip(before, after, linking.drift.moved, strict=True)
    ]
    return _markdown(charts / "linking.vl.json", "anchors", rows, "anchors: in force against new")


def _markdown(spec: Path, dataset: str, rows: Rows, words: str) -> str:
    if not rows:
        return "nothing to show"
    picture = base64.b64encode(png(spec.read_text("utf-8"), {dataset: rows})).decode()
    return f"![{words}](data:image/png;base64,{picture})"
