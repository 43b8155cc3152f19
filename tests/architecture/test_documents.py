"""What the documents name is there: files, folders, links, and the headings of a decision."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PAGES = [*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")]
DECISIONS = sorted((CHECKOUT / "docs" / "decisions").glob("0*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_link_leads_to_a_file(page):
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_path_of_the_checkout_that_is_named_is_there(page):
    named = re.findall(
        r"`((?:seedtest_pipeline|assets|resources|migrations|tests|docs|quarto)/[\w./-]*)`", page.read_text("utf-8")
    )
    assert [path for path in named if not (CHECKOUT / path).exists()] == []


def test_the_map_names_every_folder_of_the_packages():
    text = (CHECKOUT / "ARCHITECTURE.md").read_text("utf-8")
    folders = [
        folder
        for package in ("seedtest_pipeline", "assets", "resources")
        for folder in (CHECKOUT / package).iterdir()
        if (folder / "__init__.py").exists()
    ]
    assert folders
    assert [folder.name for folder in folders if f"{folder.name}/`" not in text] == []


def test_a_decision_has_its_three_parts_and_stands_in_the_list():
    listed = (CHECKOUT / "docs" / "decisions" / "README.md").read_text("utf-8")
    assert re.findall(r"\((0\d+-[\w-]+\.md)\)", listed) == [page.name for page in DECISIONS]
    for page in DECISIONS:
        text = page.read_text("utf-8")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], page.name
        assert f"[{text.partition(chr(10))[0].removeprefix('# ')}]({page.name})" in listed
