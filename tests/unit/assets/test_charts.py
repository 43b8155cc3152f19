import base64
import struct
from pathlib import Path

import numpy as np

from assets.calibration.item_bank import Linking
from assets.metadata.charts import histogram, old_against_new
from resources.irt.calibration.drift import Drift
from resources.irt.calibration.linking import Link
from resources.irt.response_functions import Items

CHARTS = Path(__file__).parents[3] / "quarto" / "charts"


def width_of(markdown: str) -> int:
    """Pixels of the PNG inside; its first chunk says how many."""
    png = base64.b64decode(markdown.partition("base64,")[2].removesuffix(")"))
    assert png.startswith(b"\x89PNG")
    return int(struct.unpack(">I", png[16:20])[0])


def test_a_histogram_per_measure_stands_in_one_picture():
    values = np.random.default_rng(1).normal(size=200)
    one, two = histogram(CHARTS, {"theta": values}), histogram(CHARTS, {"theta": values, "standard error": values})
    assert two.startswith("![theta, standard error](data:image/png;base64,")
    assert width_of(two) > 1.5 * width_of(one)


def test_where_nobody_was_estimated_there_is_no_picture_and_no_error():
    assert histogram(CHARTS, {"theta": np.array([])}) == "nothing to show"
    assert histogram(CHARTS, {"theta": np.array([np.nan])}) == "nothing to show"


def test_a_single_estimate_has_a_histogram():
    assert width_of(histogram(CHARTS, {"theta": np.array([0.3])})) > 100


def test_anchors_are_drawn_old_against_new():
    items = Items(np.array([1.0, 1.2, 0.8]), np.array([-1.0, 0.0, 1.0]), np.zeros(3))
    drift = Drift(items.b, items.b, items.b, items.a, np.array([False, True, False]))
    linking = Linking("b1", Link(1.0, 0.0), ("x", "y", "z"), items, items, drift)
    assert width_of(old_against_new(CHARTS, linking)) > 100
