"""The cohort report's document over real R: every chunk run by knitr, and the page opened in a real browser."""

import base64
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from resources.errors import TemplateBroken
from resources.reports import cohort_document
from tests.integration.reports.conftest import SOURCE
from tests.integration.reports.states import text
from tests.living import lives

SUBJECT = '<p class="subject">Week of 2026-11-16.</p>'
STAND_IN = Path(__file__).parent / "quarto"
HEADINGS = [
    "Ability and its standard error", "Reliability", "Performance levels", "Growth", "Groups", "Participation", "Items",
    "Learners and items on one scale", "Topics", "Fit to this week’s answers", "Found when the bank was calibrated",
    "Moved since the bank before", "Left out, and why", "Definitions and sources",
]  # fmt: skip


def sample() -> dict[str, pd.DataFrame]:
    """The tables that the document is previewed with."""
    return {path.stem: pd.read_csv(path) for path in (SOURCE / "cohort").glob("*.csv")}


def told(tables: Mapping[str, pd.DataFrame], **values: object) -> dict[str, pd.DataFrame]:
    """The tables with other values in `about`."""
    about = tables["about"].astype(object).set_index("name")["value"].to_dict() | values
    return {**tables, "about": pd.DataFrame({"name": list(about), "value": list(about.values())}, dtype=object)}


def on_path(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """A `quarto` made of this shell script, before any other."""
    folder.mkdir()
    (folder / "quarto").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "quarto").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    on_path(monkeypatch, tmp_path / "bin", f'exec "{sys.executable}" "{STAND_IN}" "$@"')
    if lacking := cohort_document.lacking():
        pytest.skip(lacking)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """The document's folder, to be broken."""
    return Path(shutil.copytree(SOURCE, tmp_path / "quarto"))


def test_every_chunk_runs_and_the_page_stands_alone_in_a_browser(
    stand_in: None, needs_chromium: str, tmp_path: Path
) -> None:
    page = tmp_path / "cohort_report.html"
    english = cohort_document.render(SOURCE, sample())
    page.write_bytes(english)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=needs_chromium, args=["--no-sandbox"])
        opened = chromium.new_page(viewport={"width": 390, "height": 800})
        asked: list[str] = []
        complaints: list[str] = []
        opened.on("request", lambda request: asked.append(request.url))
        opened.on("console", lambda message: complaints.append(message.text))
        opened.goto(page.as_uri())
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        assert complaints == []
        assert opened.locator("h2, h3").all_inner_texts() == HEADINGS
        assert opened.evaluate("[...document.images].every(image => image.naturalWidth > 300 && image.alt)")
        assert opened.locator("img").count() == 7
        assert opened.locator("table").count() == 13
        drawn = opened.evaluate("[...document.images].map(image => image.src)")
        assert opened.evaluate("document.documentElement.scrollWidth") == 390  # on a phone tables scroll, not the page
        violations = Axe().run(opened).response["violations"]
        page.write_bytes(cohort_document.render(SOURCE, sample(), "ko"))
        opened.goto(page.as_uri())
        violations += Axe().run(opened).response["violations"]
        assert opened.evaluate("document.documentElement.scrollWidth") == 390
        assert opened.locator("html").get_attribute("lang") == "ko"
        in_korean = opened.evaluate("[...document.images].map(image => image.src)")
        chromium.close()
    assert [violation["id"] for violation in violations] == []
    assert_korean(text(page.read_bytes()).partition("용어와 출처")[0], " ".join(map(picture, in_korean)))
    seen = text(english)
    pictures = [picture(source) for source in drawn]
    assert all("<text" in picture for picture in pictures)
    assert not any("textLength" in picture for picture in pictures), "texts were stretched to another font's width"
    assert "20-39" in pictures[1], "bins without learners were left out of the axis"
    assert "Mean ability 0.23 logits 523 200" in seen
    assert "synthetic-class-9 3 3 – – – – –" in seen
    assert "Week of 2026-11-16. Estimates as of 2026-11-23 00:00 UTC" in seen
    assert "Below basic below 400" in seen
    assert re.search(r"Advanced 600 and above \d+", seen)
    assert re.search(r"all levels 0\.\d{3} 0\.\d{3} 0\.\d{3} 0\.\d{3} 400 0\.", seen)
    assert not re.search(r"\bNA\b|NaN|NULL|Warning|##|\?\?\?", seen)


def picture(source: str) -> str:
    return base64.b64decode(source.partition("base64,")[2]).decode()


def assert_korean(seen: str, pictures: str) -> None:
    """Above the sources, English is what the data name, and the calibration's own record."""
    assert "능력의 평균 0.23 로짓 523 200" in seen
    assert "학습자 200명" in seen
    assert "DIF, C등급" in seen
    of_the_bank = r"추정 때의 기록: .*?at most [\d.]+|D -1.82, girls against boys|Below basic"
    words = set(re.findall(r"(?<![\w-])[A-Za-z]{4,}(?![\w-])", re.sub(of_the_bank, "", seen)))
    named = {"Basic", "Proficient", "Advanced", *sample()["topics"]["topic"]}
    assert words <= {*named, "rmsd", "item_parameters", "mean"}
    assert set(re.findall(r">([^<>]*[A-Za-z]{4}[^<>]*)</text>", pictures)) == set()
    assert "학습자(위)와 문항(아래)" in pictures


def test_blanks_are_told_apart_and_the_rule_for_omitted_ones_is_said(stand_in: None) -> None:
    answers = sample()["answers"]
    seen = {rule: text(cohort_document.render(SOURCE, told(sample(), omitted=rule))) for rule in ("missing", "wrong")}
    listed = [outcome in seen["missing"] for outcome in answers["outcome"]]
    assert listed == (answers["n"] > 0).tolist()
    assert ["an omitted question counts as wrong" in page for page in seen.values()] == [False, True]


def test_what_the_data_hold_cannot_become_markup_and_missing_figures_are_dashes(stand_in: None) -> None:
    """One learner, a first week and a bank of hostile items, named as shortcodes, Markdown and HTML are written."""
    hostile = [
        "<script>alert(1)</script>",
        "{{< include /etc/passwd >}}",
        "```\n# Heading",
        "|a|*b*|[c](http://d.example)",
    ]
    items = sample()["items"].head(4).assign(item=hostile, verdict="misfit")
    tables = sample() | {"items": items, "growth": sample()["growth"].head(0), "drift": sample()["drift"].head(0)}
    tables["performance"] = tables["performance"].assign(level=hostile)
    tables["topics"] = tables["topics"].head(4).assign(topic=hostile)
    tables["groups"] = tables["groups"].head(4).assign(group=hostile)
    tables["weeks"] = tables["weeks"].tail(1).assign(sd_theta=None, reliability=None, learners=1, estimated=1)
    alone = {"bank": "<b>bank</b>", "estimated": 1, "sd_theta": None, "reliability": None, "linked_to": None,
             "linking_a": None, "linking_b": None, "calibrated_at": None}  # fmt: skip
    page = cohort_document.render(SOURCE, told(tables, **alone))
    html = page.decode()
    assert "<script" not in html
    assert "<b>bank" not in html
    assert 'href="http' not in html
    seen = text(page)
    for name in hostile:
        assert " ".join(name.split()) in seen
    assert "There is no week with estimates on this scale." in seen
    assert "This bank was not linked to an earlier one" in seen
    assert "How this bank was calibrated is not recorded." in seen
    assert "Synthetic data" not in seen
    assert html.count("<img ") == 5  # neither growth nor drift
    assert re.search(r"Reliability, empirical\s+–", seen)


def test_without_cut_scores_nothing_is_said_of_performance_levels(stand_in: None) -> None:
    none = {name: sample()[name].head(0) for name in ("performance", "decisions")}
    page = cohort_document.render(SOURCE, sample() | none)
    assert "Performance levels" not in text(page)
    assert page.count(b"<table") == 11


def test_a_chunk_that_fails_is_named(stand_in: None, document: Path) -> None:
    path = document / cohort_document.DOCUMENT
    broken = path.read_text("utf-8").replace("#| label: growth-table\n", '#| label: growth-table\nstop("no luck")\n')
    path.write_text(broken, "utf-8")
    with pytest.raises(TemplateBroken, match=r"^Chunk `growth-table` of cohort_report.qmd failed(.|\n)*no luck"):
        cohort_document.render(document, sample())


def test_a_render_that_hangs_is_stopped_with_all_that_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child = tmp_path / "child"
    on_path(monkeypatch, tmp_path / "bin", f'sleep 600 & echo $! > "{child}"; wait')
    monkeypatch.setattr(cohort_document, "TIMEOUT_S", 1.0)
    with pytest.raises(TemplateBroken, match="did not end within 1 s, and was stopped"):
        cohort_document.render(SOURCE, sample())
    assert not lives(int(child.read_text()))


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("exit 0", "ended well and wrote no cohort_report.html"),
        ('echo "<html>" > cohort_report.html', "has no end"),
        ('echo "<html></html>" > cohort_report.html', "does not name the week 2026-11-16"),
        (f"echo '{SUBJECT}<script></html>' > cohort_report.html", "loads something: '<script'"),
        (f"echo '{SUBJECT}</html>' > cohort_report.html", "has 0 figures, and at least 4 are due"),
        ('echo "Quitting from report.qmd:9-12 [growth]" >&2; exit 1', "^Chunk `growth` of cohort_report.qmd failed"),
        ("echo no such format >&2; exit 3", r"quarto render .* failed \(3\): no such format"),
    ],
)
def test_the_page_is_examined_and_not_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, complaint: str
) -> None:
    on_path(monkeypatch, tmp_path / "bin", script)
    with pytest.raises(TemplateBroken, match=complaint):
        cohort_document.render(SOURCE, sample())


@pytest.mark.parametrize(
    ("quarto", "rscript", "complaint"),
    [
        (None, None, "Quarto is not installed: get 1.10 or later from https://quarto.org."),
        ("echo 1.9.99", None, "Quarto 1.9.99 is too old: get 1.10 or later from https://quarto.org."),
        ("echo 1.10.0", None, "R is not installed; on Debian or Ubuntu: sudo apt-get install -y r-cran-knitr"),
        ("echo 1.10.0", "echo ggplot2 rmarkdown", "R lacks ggplot2, rmarkdown; on Debian or Ubuntu: "),
        ("echo 2.0.1", "exit 0", None),
    ],
)
def test_what_is_lacking_is_one_sentence_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quarto: str | None, rscript: str | None, complaint: str | None
) -> None:
    for name, script in {"quarto": quarto, "Rscript": rscript}.items():
        if script:
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    lacking = cohort_document.lacking()
    assert lacking is None if complaint is None else lacking is not None and lacking.startswith(complaint)


@pytest.mark.needs_quarto
@pytest.mark.skipif(shutil.which("quarto") is None, reason="no Quarto on the PATH: only knitr made the page")
def test_quarto_makes_the_same_page(stand_in: None, monkeypatch: pytest.MonkeyPatch) -> None:
    by_knitr = cohort_document.render(SOURCE, sample())
    monkeypatch.setenv("PATH", os.environ["PATH"].partition(os.pathsep)[2])
    if lacking := cohort_document.lacking():
        pytest.skip(lacking)
    by_quarto = cohort_document.render(SOURCE, sample())
    for element in ("h1", "h2", "h3", "img", "table", "tr"):
        assert by_quarto.count(f"<{element}".encode()) == by_knitr.count(f"<{element}".encode()), element
    assert text(by_quarto) == text(by_knitr)
