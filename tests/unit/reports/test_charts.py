"""The learner's charts, from the documents in quarto/charts: what is drawn of whom."""

import math
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from docs.sample_learner import ENGLISH, LEVEL, answers, given, levels
from resources.errors import TemplateBroken
from resources.reports.document.checks import check_chart
from resources.reports.document.fill import charts
from resources.reports.document.pictures import Bar, Chart
from resources.reports.document.template import Template
from resources.reports.learner.report_input import ReportInput
from resources.reports.learner.view_model import view

DOCUMENTS = {path.stem: path.read_text("utf-8") for path in (Path(__file__).parents[3] / "quarto/charts").glob("*.svg")}


def drawn(name: str, week: ReportInput) -> str:
    template = Template("", {name: DOCUMENTS[name]}, "", "")
    return charts(template, view(ENGLISH, week))[name].__html__()


def elements(svg: str, tag: str, within: str = "") -> list[ET.Element]:
    """Of this tag, inside the group of this class."""
    root = ET.fromstring(svg)  # noqa: S314 - our own
    return root.findall(f".//{{*}}g[@class='{within}']/{{*}}{tag}" if within else f".//{{*}}{tag}")


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in elements(svg, "text")]


def test_the_trend_draws_every_week_once_the_reports_own_larger_and_the_same_way_twice() -> None:
    week = given(history=levels(-0.2, 0.1, None, 0.4, 0.42))
    dots = elements(drawn("trend", week), "circle", "dots")
    assert [dot.get("r") for dot in dots] == ["3.2", "3.2", "3.2", "6"]
    assert [float(dot.get("cx") or 0) for dot in dots] == [72, 185.5, 412.5, 526]
    assert drawn("trend", week) == drawn("trend", week)


def test_a_week_without_an_estimate_breaks_the_line_and_the_band() -> None:
    def runs(svg: str) -> tuple[int, int]:
        line, band = (re.search(rf'class="{name}"[^>]* d="([^"]*)"', svg) for name in ("line", "band"))
        assert line
        assert band
        return line[1].count("M"), band[1].count("Z")

    assert runs(drawn("trend", given(history=levels(0.1, 0.2, 0.3, 0.42)))) == (1, 1)
    assert runs(drawn("trend", given(history=levels(0.1, None, 0.3, 0.42)))) == (2, 2)


def test_higher_is_better_and_the_middle_is_where_its_score_says() -> None:
    svg = drawn("trend", given(history=levels(-1, 0, 1)))
    heights = [float(dot.get("cy") or 0) for dot in elements(svg, "circle", "dots")]
    assert heights[0] > heights[1] > heights[2]
    assert f'class="middle" stroke="#55606b" stroke-dasharray="2 3" d="M52 {heights[1]}H544"' in svg


def test_scores_and_dates_stand_along_the_trend() -> None:
    shown = texts(drawn("trend", given(history=levels(0.1, 0.42))))
    assert shown == ["400", "450", "500", "550", "600", "6 Jan", "30 Dec"]


def test_a_mark_stands_for_each_question_right_above_and_wrong_below() -> None:
    week = given(practised=answers([True, False, True, None] * 6))
    svg = drawn("item_map", week)
    right, wrong = elements(svg, "circle", "right"), elements(svg, "path", "wrong")
    assert (len(right), len(wrong)) == (12, 6)
    assert all(float(mark.get("cy") or 0) < 126 for mark in right)
    assert all(float((mark.get("d") or "").split("m")[0].split()[1]) > 126 for mark in wrong)


@pytest.mark.parametrize(
    ("theta", "side"), [(-2.9, "start"), (-0.4, "middle"), (2.9, "end")], ids=["lowest", "middle", "highest"]
)
def test_the_levels_name_stays_inside_the_chart(theta: float, side: str) -> None:
    svg = drawn("item_map", given(level=replace(LEVEL, theta=theta, se=0.1)))
    assert f'text-anchor="{side}">Your level</text>' in svg


def test_a_column_is_as_high_as_its_answers_and_the_wrong_ones_stand_on_the_right_ones() -> None:
    svg = drawn("days", given(practised=answers([True, False, True, True], days=(0, 0, 2, 2))))
    right, wrong = (re.findall(rf'class="{name}"[^>]* d="M([\d.]+) ([\d.]+)', svg) for name in ("right", "wrong"))
    assert right == [("81.6", "105.0"), ("223.9", "30.0")]  # 1 and 2 of 2, between 180 and 30
    assert wrong == [("81.6", "30.0")]
    assert texts(svg)[2:5] == ["0", "1", "2"]


def test_the_time_of_a_long_day_stands_in_two_lines_and_makes_room_for_them() -> None:
    """On a phone, 280 min ran into its neighbour, while the table said 4 h 40 min."""
    long = drawn("days", given(practised=answers([True] * 196, days=[i % 7 for i in range(196)], ms=(600_000,))))
    assert texts(long)[-3:] == ["Sun", "4 h", "40 min"]
    assert 'viewBox="0 0 560 246"' in long
    short = drawn("days", given(practised=answers([True, False], days=(0, 1), ms=(45_000, 600_000))))
    assert [text for text in texts(short) if text.endswith((" s", " min"))] == ["45 s", "10 min"]
    assert 'viewBox="0 0 560 226"' in short


def test_the_text_alternative_is_escaped_and_taken_literally() -> None:
    template = Template("", {"days": DOCUMENTS["days"]}, "", "")
    seen = view(ENGLISH, given())
    assert seen.days
    found = charts(template, replace(seen, days=replace(seen.days, words='A & "b" \\1 {{ c }}')))["days"]
    assert 'role="img" aria-label="A &amp; &#34;b&#34; \\1 &#123;&#123; c }}">' in found.__html__()


def test_a_chart_for_typst_is_one_call_with_its_words() -> None:
    assert Chart('<svg a="1"/>', "W").__typst__() == 'chart("<svg a=\\u{22}1\\u{22}/>", "W")'


def test_what_is_not_to_be_shown_is_not_drawn() -> None:
    template = Template("", DOCUMENTS, "", "")
    assert charts(template, view(ENGLISH, given(level=None, history=[], practised=answers([])))) == {}


def test_a_chart_that_names_what_no_report_has_is_told_by_its_file() -> None:
    broken = DOCUMENTS["days"].replace("days.chart.ground", "days.chart.floor")
    with pytest.raises(TemplateBroken, match=r"quarto/charts/days\.svg cannot be filled: .*floor"):
        charts(Template("", {"days": broken}, "", ""), view(ENGLISH, given()))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_committed_charts_can_stand_in_a_report(name: str) -> None:
    check_chart(DOCUMENTS[name], f"{name}.svg")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (' role="img"', "", 'has no role="img"'),
        (' xmlns="http://www.w3.org/2000/svg"', "", "has no <svg xmlns"),
        ("</svg>", '<image href="https://example.com/x.png"/></svg>', "loads something"),
        ("<!--% endfor %--></g>", "</g><!--% endfor %-->", "another element"),
        ("</text>", "</text", "is no XML"),
    ],
)
def test_a_chart_that_a_report_cannot_hold_is_refused(old: str, new: str, why: str) -> None:
    chart = re.sub(r">\s+<", "><", DOCUMENTS["days"])
    assert old in chart
    with pytest.raises(TemplateBroken, match=why):
        check_chart(chart.replace(old, new, 1), "days.svg")


def test_a_bar_without_expectation_has_no_mark() -> None:
    assert 'class="mark"' not in Bar(0.5, math.nan).__html__()
    assert 'class="share" y="2" width="62.5"' in Bar(0.625, 0.5).__html__()
    assert 'class="mark" x="49.3"' in Bar(0.625, 0.5).__html__()
