"""Files of responses, good but for what a test changes."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.errors import InvalidInput
from resources.ingest.response_file import read

HEADER = "user_id,session_id,item_id,correct,answered_at,response_time_ms,topic,attempt_no"
ROW = "u1,s1,i1,1,2025-01-06T09:30:00.123456Z,10826,Algebra,1"
GOOD = {
    "user_id": "u1",
    "session_id": "s1",
    "item_id": "i1",
    "correct": 1,
    "answered_at": dt.datetime(2025, 1, 6, 9, 30, 0, 123456, dt.UTC),
    "response_time_ms": 10826,
    "topic": "Algebra",
    "attempt_no": 1,
}


def csv_file(folder: Path, text: str | bytes) -> Path:
    path = folder / "answers.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def parquet_file(folder: Path, **columns: Any) -> Path:
    """Two rows as GOOD says, but for the columns given; a column given as None is left out."""
    chosen = {name: columns.get(name, [value, value]) for name, value in GOOD.items()}
    chosen["item_id"] = columns.get("item_id", ["i1", "i2"])
    chosen |= {name: value for name, value in columns.items() if name not in GOOD}
    folder.mkdir(exist_ok=True)
    path = folder / "answers.parquet"
    pq.write_table(pa.table({name: value for name, value in chosen.items() if value is not None}), path)
    return path


def mistake(path: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        read(path)
    text = str(caught.value)
    assert "\n" not in text
    return text


def only_row(path: Path) -> dict[str, object]:
    (row,) = read(path).responses.to_pylist()
    return dict(row)
