"""Frozen answers in a bucket: as in a folder, by a bounded number of requests."""

from collections import Counter
from typing import Any

import pyarrow as pa
import pytest

from resources.answers.schema import SCHEMA
from resources.artifacts.s3 import S3Store
from resources.errors import OperatorRequired
from resources.model import Week
from resources.warehouse.warehouse import Warehouse

WEEK = Week.parse("2025-01-06")
KEYS = [f"b{n:03d}of064" for n in range(64)]


@pytest.fixture
def asked(s3_bucket: str) -> tuple[Warehouse, Counter[str]]:
    """A warehouse, and how often which request is made for it."""
    store, requests = S3Store(s3_bucket, "us-east-1"), Counter[str]()

    def count(model: Any, **_: object) -> None:
        requests[model.name] += 1

    store.client.meta.events.register("before-call.s3", count)
    return Warehouse(store, "warehouse/responses"), requests


def test_a_week_of_64_keys_is_written_marked_and_read_by_a_request_a_file(asked):
    warehouse, requests = asked
    warehouse.write(WEEK, dict.fromkeys(KEYS, SCHEMA.empty_table()), {key: f"made from {key}" for key in KEYS})
    assert requests == {"PutObject": 64}
    requests.clear()
    assert warehouse.checksums(WEEK) == {key: f"made from {key}" for key in KEYS}
    assert requests == {"ListObjectsV2": 1, "GetObject": 64}
    requests.clear()
    assert warehouse.checksums(WEEK, KEYS[:2]).keys() == {*KEYS[:2]}
    assert requests == {"ListObjectsV2": 1, "GetObject": 2}
    requests.clear()
    assert warehouse.read([WEEK], KEYS).schema == SCHEMA
    assert requests == {"GetObject": 64}
    requests.clear()
    assert (warehouse.weeks(), warehouse.missing(WEEK, [*KEYS, "other"])) == ([WEEK], ["other"])
    assert requests == {"ListObjectsV2": 2}
    with pytest.raises(OperatorRequired, match="2025-01-13 are not frozen for 64 of 64"):
        warehouse.read([WEEK.plus(1)], KEYS)


def test_what_was_frozen_comes_back(asked):
    warehouse, _ = asked
    row = {"user_id": "u1", "item_key": "q1", "correct": True, "completed_at": WEEK.begins_at, "attempt_no": 1}
    table = pa.Table.from_pylist([row], SCHEMA)
    warehouse.write(WEEK, {"u1": table})
    assert warehouse.read([WEEK], ["u1"]).equals(table)
    assert warehouse.count(WEEK) == 1
