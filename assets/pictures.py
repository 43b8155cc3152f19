"""Small pictures for the metadata that Dagster's UI shows."""

import base64
from pathlib import Path

from resources.model import Floats
from resources.reports.charts import histogram_rows, png


def histogram(charts: Path, measure: str, values: Floats) -> str:
    """Markdown with a histogram of the finite values, drawn by `histogram.vl.json` of the folder `charts`."""
    if not (rows := histogram_rows(measure, values)):
        return "nothing to show"
    picture = png((charts / "histogram.vl.json").read_text("utf-8"), {"bins": rows})
    return f"![{measure}](data:image/png;base64,{base64.b64encode(picture).decode()})"
