import math
from pathlib import Path

import numpy as np
import pytest

from docs.sample_learner import ENGLISH, WEEK, given, levels
from resources.reports.charts import Bar, histogram_rows, png, svg
from resources.reports.learner.sections.days import days
from resources.reports.learner.sections.item_map import item_map
from resources.reports.learner.sections.trend import trend

CHARTS = Path(__file__).parents[3] / "quarto" / "charts"
TREND = (CHARTS / "trend.vl.json").read_text("utf-8")


def drawn(*thetas: float | None) -> str:
    shown = trend(ENGLISH, given(history=levels(*thetas)))
    assert shown is not None
    return svg(TREND, shown.data, 'Level & "more" \\1').__html__()


def test_the_trend_draws_every_week_once_and_the_same_way_twice() -> None:
    picture = drawn(-0.2, 0.1, None, 0.4, 0.42)
    assert picture.count("A") >= 4  # a dot is two arcs
    dots = picture.split('class="mark-symbol')[1].split("</g>")[0]
    assert dots.count("<path") == 4
    assert picture == drawn(-0.2, 0.1, None, 0.4, 0.42)


def test_a_week_without_an_estimate_breaks_the_line() -> None:
    def strokes(picture: str) -> int:
        line = picture.split('class="mark-line')[1].split("</g>")[0]
        return line.count("M")

    assert strokes(drawn(0.1, 0.2, 0.3, 0.42)) == 1
    assert strokes(drawn(0.1, None, 0.3, 0.42)) == 2


def test_the_text_alternative_is_escaped_and_taken_literally() -> None:
    assert 'role="img" aria-label="Level &amp; &quot;more&quot; \\1">' in drawn(0.1, 0.42)


def test_type_is_left_to_the_page_and_labels_keep_their_decimals() -> None:
    picture = drawn(0.1, 0.42)
    assert "font" not in picture
    assert ">550</text>" in picture
    assert ">6 Jan</text>" in picture
    assert len(picture) < 12_000


@pytest.mark.parametrize("spec", sorted(CHARTS.glob("*.vl.json")), ids=lambda path: path.name)
def test_a_specification_draws_without_its_reports_style_sheet(spec: Path) -> None:
    moved = [{"parameter": "b", "before": x, "after": x + 0.1, "state": "stable"} for x in (-1.0, 0.0, 1.0)]
    bins = histogram_rows("Theta", np.linspace(-2, 2, 99))
    of_reports = {
        "trend": trend(ENGLISH, given()),
        "item_map": item_map(ENGLISH, given()),
        "days": days(ENGLISH, WEEK, given().answers),
    }
    shown = of_reports.get(spec.name.removesuffix(".vl.json"))
    picture = png(spec.read_text("utf-8"), shown.data if shown else {"bins": bins, "anchors": moved})
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 3_000  # an empty frame has about 1,000


def test_a_histogram_counts_every_finite_value() -> None:
    rows = histogram_rows("SE", np.array([0.2, 0.3, 0.3, math.nan, math.inf]), bins=4)
    assert sum(int(str(row["count"])) for row in rows) == 3
    assert histogram_rows("SE", np.array([math.nan])) == []


def test_a_bar_without_expectation_has_no_mark() -> None:
    assert 'class="mark"' not in Bar(0.5, math.nan).__html__()
    assert 'class="share" y="2" width="62.5"' in Bar(0.625, 0.5).__html__()
    assert 'class="mark" x="49.3"' in Bar(0.625, 0.5).__html__()
