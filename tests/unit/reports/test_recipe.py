"""When reports have to be made again: the text that they would show is held against what it was."""

import hashlib
from dataclasses import replace

import pytest

from docs.sample_learner import CHANGE, CUTS, ENGLISH, GOAL, KOREAN, LEVEL, OF_TOPICS, WEEK, answers, given
from resources.reports.document.recipe import REPORT_VERSION, recipe
from resources.reports.learner.report_input import Standing
from resources.reports.learner.view_model import view

# Of the view models below. Where a test says that it is another one: raise REPORT_VERSION, and put the new one here.
SHOWN = {6: "331406902784391ac9001570d1286b743e1cd27c245c737fddc0f5592dc97b49"}


def test_a_change_of_what_reports_show_raises_their_version() -> None:
    """A comment had remade every report, and an upgrade of Babel none."""
    states = (
        given(standing=Standing(61, 55, 68, 210)),
        given(level=None, history=[], practised=answers([None, None])),
        given(practised=answers([True] * 30, items=[f"q{j}" for j in range(30)], hints=(True, False))),
        given(level=replace(LEVEL, week=WEEK.plus(-1)), history=[], practised=answers([]), change=None),
        given(level=replace(LEVEL, n_items=3), practised=answers([True] * 3)),
        given(standing=Standing(61, 20, 90, 210), change=replace(CHANGE, verdict="up"), since_start=CHANGE),
        given(cuts=CUTS),
        given(cuts=CUTS, level=replace(LEVEL, theta=1.0)),
        given(goal=GOAL),
        given(bank=OF_TOPICS),
    )
    shown = repr([view(words, state) for words in (ENGLISH, KOREAN) for state in states])
    assert SHOWN.get(REPORT_VERSION) == hashlib.sha256(shown.encode()).hexdigest()


@pytest.mark.parametrize("library", ["babel", "jinja2", "typst"])
def test_the_libraries_that_shape_a_reports_bytes_are_part_of_its_fingerprint(library: str) -> None:
    assert f"; {library} " in recipe()
