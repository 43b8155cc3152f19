"""Small pictures for the metadata that Dagster's UI shows."""

import base64
from collections.abc import Mapping
from pathlib import Path

from resources.model import Floats
from resources.reports.charts import histogram_rows, png


def histogram(charts: Path, measures: Mapping[str, Floats]) -> str:
    """Markdown with one histogram per measure, drawn by `histogram.vl.json` of the folder `charts`."""
    spec = (charts / "histogram.vl.json").read_text("utf-8")
    return " ".join(
        f"![{measure}](data:image/png;base64,"
        f"{base64.b64encode(png(spec, {'bins': histogram_rows(measure, values)})).decode()})"
        for measure, values in measures.items()
    )
