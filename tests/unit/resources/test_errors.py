"""Errors carry fields, and their sentence is made from them."""

import ast
import pickle
from pathlib import Path

import pytest

from resources import errors
from resources.errors import DatabaseUnavailable, InvalidInput, SeedtestError

CHECKOUT = Path(__file__).parents[3]
CLASSES = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, SeedtestError)}


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (InvalidInput("It is wrong."), "It is wrong."),
        (InvalidInput("a.csv is empty", remedy="export it anew."), "a.csv is empty: export it anew."),
        (InvalidInput("It is full.", remedy="Delete something."), "It is full. Delete something."),
        (InvalidInput("the quotes do not match.", where="a.csv, line 3"), "a.csv, line 3: the quotes do not match."),
        (InvalidInput("a.csv is empty", where="a.csv", remedy="export it."), "a.csv is empty: export it."),
        (
            InvalidInput("x exists", remedy="rename it.", outcome="Nothing was changed."),
            "x exists: rename it. Nothing was changed.",
        ),
        (InvalidInput("x lacks y.", outcome="Nothing was changed."), "x lacks y. Nothing was changed."),
        (InvalidInput("No answer.", remedy="Does it run?", outcome="So it is."), "No answer. Does it run? So it is."),
    ],
)
def test_the_sentence_is_made_from_the_fields(error, sentence):
    assert str(error) == sentence


def test_fields_are_those_that_are_known_and_the_class():
    error = DatabaseUnavailable("It is down.", where=Path("/x"), remedy="Start it.")
    assert error.fields == {"error": "DatabaseUnavailable", "what": "It is down.", "where": "/x", "remedy": "Start it."}


def test_an_error_passes_from_process_to_process_whole():
    error = InvalidInput("a", where="b", remedy="c", outcome="d")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (type(copy), copy.fields, str(copy)) == (InvalidInput, error.fields, str(error))


def test_a_remedy_stands_in_its_field_and_not_in_what_is_wrong():
    """Where `what` still holds an order to the reader, no program finds the remedy."""
    orders = (": run", ": set ", ": choose", ". Run", ". Set ", ". Make it", ". Check ", "Nothing was ")
    found = []
    for package in ("resources", "assets", "seedtest_pipeline"):
        for path in (CHECKOUT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES:
                    what = ast.unparse(node.args[0])
                    found += [f"{path.relative_to(CHECKOUT)}:{node.lineno}" for order in orders if order in what]
    assert found == []
