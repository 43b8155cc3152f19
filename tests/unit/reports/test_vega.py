import math
from pathlib import Path

import numpy as np
import pytest

from resources.reports.vega import histogram_rows, png

CHARTS = Path(__file__).parents[3] / "quarto" / "charts"


@pytest.mark.parametrize("spec", sorted(CHARTS.glob("*.vl.json")), ids=lambda path: path.name)
def test_a_specification_draws_what_it_is_given(spec: Path) -> None:
    moved = [{"parameter": "b", "before": x, "after": x + 0.1, "state": "stable"} for x in (-1.0, 0.0, 1.0)]
    picture = png(spec.read_text("utf-8"), {"bins": histogram_rows("Theta", np.linspace(-2, 2, 99)), "anchors": moved})
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 3_000  # an empty frame has about 1,000


def test_a_histogram_counts_every_finite_value() -> None:
    rows = histogram_rows("SE", np.array([0.2, 0.3, 0.3, math.nan, math.inf]), bins=4)
    assert sum(int(str(row["count"])) for row in rows) == 3
    assert histogram_rows("SE", np.array([math.nan])) == []
