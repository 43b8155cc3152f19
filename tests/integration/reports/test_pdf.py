"""The PDF, read back by another program: what it says, that names stay names, and that it is whole."""

import datetime as dt
import io
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest
import typst

from docs.sample_learner import TOPICS, WEEK, given
from resources.errors import OperatorRequired, ReportBroken, TemplateBroken
from resources.model import Language
from resources.reports.document.checks import check_filled, verify
from resources.reports.document.compile import compile_templates
from resources.reports.document.fill import render
from resources.reports.document.template import Template
from resources.reports.document.typeset import literal, pdf
from tests.integration.reports.conftest import SOURCE
from tests.integration.reports.states import STATES, text

ROOT = Path(__file__).parents[3]
LANGUAGES: tuple[Language, ...] = ("en", "ko")
SET_AT = dt.datetime(2025, 1, 13, tzinfo=dt.UTC)


@pytest.fixture(scope="session", params=LANGUAGES)
def templates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    try:
        made = compile_templates(SOURCE, tmp_path_factory.mktemp("templates"), ("html", "pdf"), request.param)
    except OperatorRequired as lacking:
        pytest.skip(str(lacking))
    return {str(form): template for form, template in made.items()}


def read(report: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(report))


def words(report: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in read(report).pages).split())


def set_alone(body: str) -> bytes:
    return pdf(f"#set document(title: [t])\n{body}", SET_AT)


# Arabic comes out with marks of its direction: those words are left to the eye.
@pytest.mark.parametrize("state", STATES)
def test_a_pdf_says_what_the_html_says(templates: dict[str, Template], state: str) -> None:
    week, _ = STATES[state]
    report = render(templates["pdf"], week, edition="teacher")
    verify(report, week.user_id, week.week, templates["pdf"])
    said = re.sub(r"\s", "", words(report))
    for sentence in re.split(r"\s+", text(render(templates["html"], week, edition="teacher"))):
        if not re.search("[\u0590-\u06ff\ufffd]", sentence):
            assert sentence in said


NAMES = (
    "<script>alert(1)</script>",
    "{{ user }} {% raw %} <!--% if x %-->",
    "/*% if x %*/ /* // */",
    '#import "x.typ" #panic() @ref $x^2$',
    '"quoted" \\ back\\u{41} `code` ];',
    "**bold** _it_ [x](y) {{< include x >}} {.v}",
    "= Heading - list + 1. ~ --- ...",
    "비율과 비례식, 比例, かず",
)


def test_every_name_comes_out_as_it_went_in(templates: dict[str, Template]) -> None:
    for name in NAMES:
        week = given(user_id=name, topics=[replace(TOPICS[0], name=name, verdict="alike")])
        report = render(templates["pdf"], week)
        verify(report, name, WEEK, templates["pdf"])
        assert words(report).count(name) >= 3  # below the title, as a topic and in each page's foot
        html = render(templates["html"], week)
        verify(html, name, WEEK, templates["html"])
        assert text(html).count(name) == 2


def test_an_emoji_comes_out_where_a_font_has_it(templates: dict[str, Template]) -> None:
    if not any("Emoji" in family for family in typst.Fonts().families()):
        pytest.skip("no emoji font on this machine: nobody has seen one in a PDF")
    report = render(templates["pdf"], given(user_id="apple 🍎"))
    assert "apple 🍎" in words(report)


def test_a_pdf_is_tagged_names_its_language_and_brings_its_fonts(templates: dict[str, Template]) -> None:
    made = read(render(templates["pdf"], given()))
    root = made.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == templates["pdf"].words.language
    assert "pdfuaid:part>1<" in made.xmp_metadata.stream.get_data().decode()
    assert made.metadata.title == f"{'Weekly report' if root['/Lang'] == 'en' else '주간 학습 보고서'}, " + (
        "6–12 Jan 2025, synthetic-ada" if root["/Lang"] == "en" else "2025년 1월 6일~12일, synthetic-ada"
    )
    for page in made.pages:
        for font in page["/Resources"]["/Font"].values():
            for descendant in font.get_object().get("/DescendantFonts", [font]):
                descriptor = descendant.get_object()["/FontDescriptor"]
                assert {"/FontFile2", "/FontFile3"} & set(descriptor)


OTHER_PROCESS = """
import pathlib, sys
from resources.reports.document.compile import compile_template
from resources.reports.document.fill import render
from docs.sample_learner import given
template = compile_template(pathlib.Path("quarto"), pathlib.Path(sys.argv[1]), "en", "pdf")
sys.stdout.buffer.write(render(template, given()))
"""


def test_the_same_input_gives_the_same_bytes_in_another_process_and_after_other_reports(
    templates: dict[str, Template], tmp_path: Path
) -> None:
    report = render(templates["pdf"], given())
    render(templates["pdf"], STATES["hostile names"][0])
    assert render(templates["pdf"], given()) == report
    if templates["pdf"].words.language == "en":
        elsewhere = dict(os.environ, TZ="Asia/Seoul", LC_ALL="C", PYTHONHASHSEED="7")
        command = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path)]
        made = subprocess.run(command, cwd=ROOT, env=elsewhere, capture_output=True, check=True, timeout=600)
        assert made.stdout == report


def test_a_character_that_no_font_has_is_replaced_visibly_and_named(templates: dict[str, Template]) -> None:
    """One rare script in a topic failed the learner's PDF every week."""
    week, lost = given(user_id="ada \U0010fffd \U0001b000x", topics=[replace(TOPICS[0], name="\U000bfffd-sets")]), set()
    said = words(render(templates["pdf"], week, lost))
    assert lost >= {"\U0001b000"}
    assert "\ufffdx" in said
    assert "\ufffd-sets" in said


def test_where_nobody_asks_for_them_a_character_that_no_font_has_is_an_error_and_no_box() -> None:
    with pytest.raises(OperatorRequired, match=r"apt-get install fonts-noto"):
        set_alone("\U0010fffd")


def test_a_source_with_an_unfilled_place_or_an_empty_picture_is_not_set() -> None:
    for left in ("{{ level.theta }}", "/*% if level %*/", "[level.theta]{.v}"):
        with pytest.raises(ReportBroken, match="unfilled place"):
            check_filled(left, "typst")
        check_filled(f"#{literal(left)};", "typst")
    for svg in ("<svg></svg>", '<svg><path d="MNaN,0L1,1"/></svg>'):
        with pytest.raises(ReportBroken, match="empty picture"):
            check_filled(f"#chart({literal(svg)}, {literal('words')});", "typst")


def test_a_picture_without_words_is_refused() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1"/></svg>'
    with pytest.raises(TemplateBroken, match="missing alt text"):
        set_alone(f'#image(bytes({literal(svg)}), format: "svg")')


def test_a_value_cannot_read_files() -> None:
    with pytest.raises(TemplateBroken, match="Typst cannot set"):
        set_alone('#read("/etc/passwd")')
    with pytest.raises(TemplateBroken, match="Typst cannot set"):
        set_alone('#read("../../pyproject.toml")')


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"%%EOF", b"", "no end"),
        (b"seedtest:week=2025-01-06", b"seedtest:week=2025-01-13", "is marked"),
        (b"<xmpTPg:NPages>", b"<xmpTPg:NPages>0", "no page"),
        (b"%PDF", b"%" + b"x" * 400_000, "bytes"),
    ],
)
def test_a_pdf_that_lacks_something_is_refused(
    templates: dict[str, Template], old: bytes, new: bytes, why: str
) -> None:
    report = render(templates["pdf"], given())
    assert old in report
    with pytest.raises(ReportBroken, match=why):
        verify(report.replace(old, new), "synthetic-ada", WEEK, templates["pdf"])
