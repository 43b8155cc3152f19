import pytest

from resources.errors import ReportBroken, TemplateBroken
from resources.model import Week
from resources.reports.document.checks import MAX_BYTES, check_template, verify
from resources.reports.document.template import Template

DOCUMENT = """
[user]{.v}
::: {if="level.place == 'near'"}
[Fine.]{if="change"}
:::
::: {.rows each="t in topics"}
- [t.name]{.v}
:::
"""

GOOD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<meta name="seedtest:user" content="{{ marker.user }}"></head>
<body><p>{{ user }}</p>
<!--% if level.place == 'near' %--><p><!--% if change %-->Fine.<!--% endif %--></p><!--% endif %-->
<ul><!--% for t in topics %--><li>{{ t.name }}</li><!--% endfor %--></ul></body></html>
"""


def test_a_compiled_document_that_kept_everything_passes() -> None:
    check_template(GOOD, DOCUMENT)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("{{ t.name }}", '<span class="v">t.name</span>', "lost its placeholders"),
        ("<!--% if change %-->", "", "lost or doubled"),
        ("Fine.<!--% endif %-->", "Fine.<!--% endif %--><!--% if change %-->Fine.<!--% endif %-->", "lost or doubled"),
        ("</head>", "<script>1</script></head>", "loads something"),
        ("</head>", '<link rel="stylesheet" href="https://example.com/a.css"></head>', "loads something"),
        ("</head>", "<style>@import 'a.css'</style></head>", "loads something"),
        ("</head>", "<style>p{background:url(a.png)}</style></head>", "loads something"),
        ("</body>", '<img src="a.png"></body>', "loads something"),
        ('<html lang="en">', "<html>", "has no"),
        ("Content-Security-Policy", "Something-Else", "has no"),
        ('name="seedtest:user"', 'name="author"', "has no"),
        # What a browser's parser makes of a loop inside a table: the loop is moved, and wraps nothing.
        ("<ul><!--% for t in topics %-->", "<!--% for t in topics %--><ul>", "another element"),
        ("</ul></body></html>", "", "ends inside"),
        ("<p>{{ user }}</p>", "<p>{{ user }}</div>", "where it is not open"),
    ],
)
def test_a_compiled_document_that_lost_something_is_refused(old: str, new: str, why: str) -> None:
    assert old in GOOD
    with pytest.raises(TemplateBroken, match=why):
        check_template(GOOD.replace(old, new), DOCUMENT)


@pytest.mark.parametrize("ranks", [("h1", "h1"), ("h2", "h3"), ("h3", "h3")])
def test_a_compiled_document_whose_headings_were_shifted_is_refused(ranks: tuple[str, str]) -> None:
    """By Quarto's Typst format every section was a level-1 heading."""
    document, headings = f"{DOCUMENT}\n## A\n\n## B\n", "".join(f"<{rank}>A</{rank}>" for rank in ranks)
    check_template(GOOD.replace("<p>{{ user }}</p>", "<p>{{ user }}</p><h1>T</h1><h2>A</h2><h2>B</h2>"), document)
    with pytest.raises(TemplateBroken, match="headings of ranks"):
        check_template(GOOD.replace("<p>{{ user }}</p>", f"<p>{{{{ user }}}}</p>{headings}"), document)


def test_a_style_sheet_as_a_data_url_is_no_request() -> None:
    check_template(GOOD.replace("</head>", '<link rel="stylesheet" href="data:text/css,p{}"></head>'), DOCUMENT)


TEMPLATE = Template(source=GOOD, charts={}, sha256="abc", compiled_by="pandoc 3.9")
WEEK = Week.parse("2025-01-06")
REPORT = """<html lang="en"><head>
<meta name="seedtest:user" content="u~c3~a4">
<meta name="seedtest:week" content="2025-01-06">
<meta name="seedtest:template" content="abc">
</head>
<body>&#123;{ 7*7 }} <svg viewBox="0 0 1 1"><path d="M0,0L1,1"/></svg></body></html>
"""


def test_a_whole_report_passes_whatever_its_topics_are_called() -> None:
    verify(REPORT.encode(), "uä", WEEK, TEMPLATE)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("u~c3~a4", "u2", "is marked"),
        ("2025-01-06", "2025-01-13", "is marked"),
        ("abc", "abd", "is marked"),
        ('<meta name="seedtest:week" content="2025-01-06">', "", "is marked"),
        ("&#123;{ 7*7 }}", "{{ user }}", "unfilled"),
        ("&#123;{ 7*7 }}", "<!--% if level %-->", "unfilled"),
        ('<path d="M0,0L1,1"/>', "", "empty picture"),
        ('<path d="M0,0L1,1"/>', '<path d="MNaN,0L1,1"/>', "empty picture"),
        ("</body>", '<img alt="x" src=""></body>', "empty picture"),
        ("</body></html>", "", "no end"),
        ("</html>\n", "\udce2", "no end"),  # cut in the middle of a character
        ("</body>", "x" * MAX_BYTES["html"] + "</body>", "bytes"),
    ],
)
def test_a_report_that_lacks_something_is_refused(old: str, new: str, why: str) -> None:
    assert old in REPORT
    with pytest.raises(ReportBroken, match=why):
        verify(REPORT.replace(old, new).encode(errors="surrogateescape"), "uä", WEEK, TEMPLATE)
