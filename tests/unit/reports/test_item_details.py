"""Where somebody has told what an item is called, a report says so, and leads there."""

from dataclasses import replace

import pytest

from docs.sample_learner import BANK, ENGLISH, given
from resources.model import ItemCatalogue, ItemDetails
from resources.reports.document.link import Link
from resources.reports.learner.sections.next_items import next_items


def first_row(details: ItemDetails | None):
    shown = next_items(ENGLISH, given())
    key = next(key for key in BANK.item_keys if key == str(shown.rows[0].name))
    bank = replace(BANK, topics={})
    told = given(bank=bank) if details is None else replace(given(bank=bank), items=ItemCatalogue({key: details}))
    return key, next_items(ENGLISH, told).rows[0]


def test_an_item_that_nobody_has_told_of_has_its_id() -> None:
    key, row = first_row(None)
    assert (row.name, row.topic) == (key, "")


def test_a_told_item_has_its_title_and_its_topic() -> None:
    _, row = first_row(ItemDetails("Adding fractions", "Fractions"))
    assert (row.name, row.topic) == ("Adding fractions", "Fractions")


def test_a_topic_alone_leaves_the_id() -> None:
    key, row = first_row(ItemDetails(topic="Fractions"))
    assert (row.name, row.topic) == (key, "Fractions")


def test_an_item_with_an_address_leads_there() -> None:
    key, row = first_row(ItemDetails(url="https://x.org/?a=1&b=2"))
    assert row.name == Link(key, "https://x.org/?a=1&b=2")


@pytest.mark.parametrize(("text", "html"), [("<b>", "&lt;b&gt;"), ('"x"', "&#34;x&#34;")])
def test_nothing_in_a_title_or_an_address_acts(text: str, html: str) -> None:
    link = Link(text, "https://x.org/?a=1&b=2")
    assert link.__html__() == f'<a href="https://x.org/?a=1&amp;b=2" rel="noopener noreferrer">{html}</a>'
    assert link.__typst__().startswith('link("https://x.org/?a=1&b=2", "')
