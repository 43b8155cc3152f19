import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pypdf
import pytest

from docs.sample_learner import given
from resources.errors import TemplateBroken
from resources.model import Language
from resources.reports.document import compile as compiling
from resources.reports.document.compile import compile_template, compile_templates
from resources.reports.document.fill import render

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "quarto"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SOURCE, tmp_path / "a folder" / "quarto"))


@pytest.fixture
def no_quarto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("no_quarto")
def test_the_same_content_is_compiled_once(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = compile_template(source, tmp_path / "cache")
    monkeypatch.setattr(compiling, "_by_pandoc", lambda *_: pytest.fail("compiled again"))
    assert compile_template(source, tmp_path / "cache") == first


@pytest.mark.usefixtures("no_quarto")
@pytest.mark.parametrize("name", ["weekly_report.qmd", "theme/report.css", "theme/page.html", "fill.lua"])
def test_any_change_of_the_document_compiles_anew(source: Path, tmp_path: Path, name: str) -> None:
    compile_template(source, tmp_path / "cache")
    with (source / name).open("a") as file:
        file.write("\n")
    compile_template(source, tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.usefixtures("no_quarto")
def test_a_changed_chart_is_another_template(source: Path, tmp_path: Path) -> None:
    first = compile_template(source, tmp_path / "cache")
    chart = source / "charts" / "trend.svg"
    chart.write_text(chart.read_text("utf-8").replace("0 0 560 256", "0 0 560 257"), "utf-8")
    second = compile_template(source, tmp_path / "cache")
    assert first.source == second.source
    assert first.sha256 != second.sha256


@pytest.mark.usefixtures("no_quarto")
def test_many_at_once_make_one_template(source: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: compile_template(source, tmp_path / "cache"), range(4)))
    assert len({template.sha256 for template in made}) == 1
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.usefixtures("no_quarto")
@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        ("theme/page.html", "</body>", "<script>document.title = 1</script></body>", "loads something"),
        ("theme/page.html", ' lang="$lang$"', "", "has no <html lang"),
        ("weekly_report.qmd", "# Your level", "# ![](https://example.com/x.png){external=1}", "loads something"),
        ("weekly_report.qmd", "[charts.trend]{.v}", "[charts.other]{.v}", "there is no .*other.svg"),
        ("charts/days.svg", "<svg ", '<svg href="https://example.com/x.svg" ', "loads something"),
    ],
)
def test_a_document_that_would_not_stand_alone_is_refused(
    source: Path, tmp_path: Path, name: str, old: str, new: str, why: str
) -> None:
    assert old in (source / name).read_text("utf-8")
    (source / name).write_text((source / name).read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(TemplateBroken, match=why):
        compile_template(source, tmp_path / "cache")


@pytest.mark.usefixtures("no_quarto")
def test_without_the_filter_nothing_is_compiled(source: Path, tmp_path: Path) -> None:
    (source / "fill.lua").write_text("-- nothing")
    with pytest.raises(TemplateBroken, match="did the filter run"):
        compile_template(source, tmp_path / "cache")


@pytest.mark.usefixtures("no_quarto")
def test_both_formats_have_the_same_placeholders_and_the_same_flow(source: Path, tmp_path: Path) -> None:
    made = compile_templates(source, tmp_path / "cache", ("html", "pdf"), "en")
    html, typst = made["html"].source, made["pdf"].source
    assert set(re.findall(r"\{\{ (.*?) \}\}", html)) == set(re.findall(r"\{\{ (.*?) \}\}", typst))
    assert re.findall(r"<!--% (.*?) %-->", html) == re.findall(r"/\*% (.*?) %\*/", typst)
    assert re.search(r"table\.hline\(\),/\*% for day in days\.rows %\*/\s+\[\{\{ day\.name \}\}\]", typst)


def test_the_document_asks_nothing_of_quarto_that_pandoc_with_the_filters_cannot_do() -> None:
    body = (SOURCE / "weekly_report.qmd").read_text("utf-8").split("---\n", 2)[2]
    beyond = r"\{\{<|\.callout|\.column|\.panel|layout|@(?:fig|tbl|sec)-|\{#(?:fig|tbl|sec)-|```|\{(?:r|python|=html)\}"
    assert not re.findall(beyond, body)


OTHER_PROCESS = """
import hashlib, pathlib, sys
from resources.reports.document.compile import compile_template
from resources.reports.document.fill import render
from docs.sample_learner import given
template = compile_template(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
print(hashlib.sha256(render(template, given())).hexdigest())
"""


@pytest.mark.usefixtures("no_quarto")
def test_another_process_in_another_place_makes_the_same_bytes(source: Path, tmp_path: Path) -> None:
    report = render(compile_template(source, tmp_path / "here"), given())
    elsewhere = dict(os.environ, TZ="Asia/Seoul", LC_ALL="C", PYTHONHASHSEED="7", PYTHONPATH=str(ROOT))
    command = [sys.executable, "-c", OTHER_PROCESS, str(source), str(tmp_path / "there")]
    made = subprocess.run(command, env=elsewhere, capture_output=True, text=True, check=True, timeout=600)
    assert made.stdout.strip() == hashlib.sha256(report).hexdigest()


@pytest.mark.usefixtures("no_quarto")
def test_what_quarto_writes_differently_makes_no_other_report(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Machines with and without Quarto rewrote each other's reports: `<col />` and white space differ."""
    by_pandoc = compile_template(source, tmp_path / "cache")
    written = compiling._by_pandoc

    def like_quarto(*given: Any) -> str:
        return re.sub(r"<col\b[^>]*>", "<col />\n", written(*given)).replace("</p>\n", "</p>\n\n  ")

    monkeypatch.setattr(compiling, "_by_pandoc", like_quarto)
    assert compile_template(source, tmp_path / "anew") == by_pandoc


@pytest.mark.needs_quarto
@pytest.mark.skipif(shutil.which("quarto") is None, reason="no Quarto on the PATH: only pandoc compiled the report")
@pytest.mark.parametrize("language", ["en", "ko"])
def test_quarto_and_pandoc_make_reports_that_read_the_same(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: Language
) -> None:
    by_quarto = compile_templates(source, tmp_path / "cache", ("html", "pdf"), language)
    monkeypatch.setenv("PATH", str(tmp_path))
    by_pandoc = compile_templates(source, tmp_path / "cache", ("html", "pdf"), language)
    for form in by_quarto:
        assert by_quarto[form].compiled_by.startswith("quarto ")
        assert by_pandoc[form].compiled_by.startswith("pandoc ")
        assert parts(render(by_quarto[form], given())) == parts(render(by_pandoc[form], given()))


def parts(report: bytes) -> tuple[Counter[str], str]:
    """How many headings of each rank, tables and figures there are, and everything that can be read."""
    if report.startswith(b"%PDF"):
        pages = pypdf.PdfReader(io.BytesIO(report)).pages
        found = re.findall(rb"/S/(H[1-6]|Table|Figure)", report)
        return Counter(tag.decode() for tag in found), " ".join(page.extract_text() for page in pages)
    body = report.decode().partition("<body")[2]
    return Counter(re.findall(r"<(h[1-6]|table|svg)", body)), " ".join(re.sub(r"<[^>]*>", " ", body).split())


@pytest.mark.usefixtures("no_quarto")
def test_what_is_compared_between_compilers_is_there(source: Path, tmp_path: Path) -> None:
    made = compile_templates(source, tmp_path / "cache", ("html", "pdf"), "en")
    html, pdf = (parts(render(template, given())) for template in made.values())
    assert html[0]["h2"] == pdf[0]["H2"] >= 5
    assert html[0]["table"] == pdf[0]["Table"] >= 3
    assert pdf[0]["Figure"] == len(set(re.findall(r"charts\.\w+", made["pdf"].source)))
    assert "Your level" in html[1]
    assert "Your level" in pdf[1]
