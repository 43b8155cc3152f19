"""The client's types are those of the OpenAPI document: no field more, none less, each of the same type."""

import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from seedtest_pipeline.api import client_types, problems, schemas

TYPES = {name: given for name, given in vars(client_types).items() if is_typeddict(given)}
SIMPLE = {str: "string", float: "number", int: "integer", bool: "boolean", types.NoneType: "null"}
ABOUT = {"title", "description", "format", "default", "examples"}


def as_schema(hint: Any) -> dict[str, Any]:
    """JSON Schema of a type as the client writes it."""
    if is_typeddict(hint):
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if get_origin(hint) is Literal:
        return {"enum": [*get_args(hint)]}
    if get_origin(hint) in (Union, types.UnionType):
        return {"anyOf": [as_schema(one) for one in get_args(hint)]}
    if get_origin(hint) is list:
        return {"type": "array", "items": as_schema(*get_args(hint))}
    return {"type": SIMPLE[hint]}


def bare(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema of the document without what is said about it."""
    if "const" in schema or "enum" in schema:
        return {"enum": schema.get("enum", [schema.get("const")])}
    kept = {name: value for name, value in schema.items() if name not in ABOUT}
    if "anyOf" in kept:
        kept["anyOf"] = [bare(one) for one in kept["anyOf"]]
    if "items" in kept:
        kept["items"] = bare(kept["items"])
    return kept


@pytest.mark.parametrize("name", TYPES)
def test_a_type_of_the_client_is_that_of_the_document(name):
    described_in = problems if name == "FieldFault" else schemas
    document = getattr(described_in, name).model_json_schema(mode="serialization", by_alias=False)
    described = {field: bare(given) for field, given in document["properties"].items()}
    assert {field: as_schema(hint) for field, hint in get_type_hints(TYPES[name]).items()} == described


def test_each_outcome_of_an_update_has_a_type():
    outcomes = schemas.Outcomes.model_json_schema()["properties"]["outcomes"]["items"]["discriminator"]["mapping"]
    assert {where.rpartition("/")[2] for where in outcomes.values()} <= TYPES.keys()
