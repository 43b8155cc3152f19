"""Every file of responses without a mistake is read exactly, however it is written."""

import datetime as dt
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from resources.ingest.response_file import from_table, read
from tests.beside import beside
from tests.unit.ingest.response_files import GOOD, HEADER, ROW, csv_file, mistake, only_row, parquet_file


def test_a_csv_row_is_read_exactly(tmp_path: Path) -> None:
    assert only_row(csv_file(tmp_path, f"{HEADER}\n{ROW}\n")) == GOOD | {"correct": True}


def test_a_parquet_row_is_read_exactly(tmp_path: Path) -> None:
    rows = read(parquet_file(tmp_path)).responses.to_pylist()
    assert rows == [GOOD | {"correct": True}, GOOD | {"correct": True, "item_id": "i2"}]


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("\ufeff" + f"{HEADER}\n{ROW}\n", "byte order mark"),
        (f"{HEADER}\r\n{ROW}\r\n", "CRLF"),
        (f"{HEADER}\r{ROW}\r", "CR alone"),
        (f"{HEADER}\n{ROW}", "no line break at the end"),
        (f"\n{HEADER}\n\n{ROW}\n\n", "empty lines"),
        (f"{HEADER}\n{ROW}\n".replace(",", ";"), "semicolons"),
        (f"{HEADER}\n{ROW}\n".replace(",", "\t"), "tabs"),
        (",".join(f'"{name}"' for name in HEADER.split(",")) + f'\n"u1",s1,"i1",{ROW[9:]}\n', "quoted fields"),
        (f"{HEADER}\n{ROW.replace(',1,', ',true,')}\n", "true"),
        (f"{HEADER}\n{ROW.replace('10826', '10826.0')}\n", "a whole number as pandas writes it beside nulls"),
        (f"{HEADER}\n{ROW.replace('T09:30:00.123456Z', ' 18:30:00.123456+09:00')}\n", "another zone"),
        (f"{HEADER}\n{ROW.replace('Z', '')}\n", "no zone is UTC"),
    ],
)
def test_ways_to_write_the_same_csv(tmp_path: Path, file: str, what: str) -> None:
    assert only_row(csv_file(tmp_path, file)) == GOOD | {"correct": True}, what


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"correct": [True, True]}, "boolean"),
        ({"correct": [1.0, 1.0]}, "double"),
        ({"correct": ["1", "TRUE"]}, "text"),
        ({"answered_at": ["2025-01-06T09:30:00.123456Z", "2025-01-06 18:30:00.123456+0900"]}, "text"),
        ({"answered_at": pa.array([GOOD["answered_at"].replace(tzinfo=None)] * 2, pa.timestamp("us"))}, "no zone"),  # type: ignore[attr-defined]
        ({"answered_at": pa.array([GOOD["answered_at"]] * 2, pa.timestamp("ns", "Asia/Seoul"))}, "nanoseconds"),
        ({"response_time_ms": [10826.0, 10826.0]}, "double"),
        ({"user_id": pa.array(["u1", "u1"]).dictionary_encode()}, "categorical"),
        ({"topic": pa.array(["Algebra"] * 2, pa.string_view())}, "string view"),
    ],
)
def test_ways_to_write_the_same_parquet(tmp_path: Path, change: dict[str, object], what: str) -> None:
    assert read(parquet_file(tmp_path, **change)).responses.to_pylist()[0] == GOOD | {"correct": True}, what


@pytest.mark.parametrize("empty", [None, float("nan")])
def test_missing_stays_missing(tmp_path: Path, empty: float | None) -> None:
    text = csv_file(tmp_path, f"{HEADER}\nu1,s1,i1,,2025-01-06T09:30:00Z,,,\n")
    typed = parquet_file(tmp_path, correct=[empty, 1.0], response_time_ms=[empty, 1.0], attempt_no=[None, 1])
    void = parquet_file(tmp_path / "void", correct=pa.nulls(2), response_time_ms=pa.nulls(2), attempt_no=pa.nulls(2))
    for path in (text, typed, void):
        row = read(path).responses.to_pylist()[0]
        assert (row["correct"], row["response_time_ms"], row["attempt_no"]) == (None, None, None)


def test_optional_columns_may_be_absent_and_others_are_named(tmp_path: Path) -> None:
    file = read(csv_file(tmp_path, "phase,user_id,session_id,item_id,correct,answered_at\nx,u,s,7,0,2025-01-06T00:00Z"))
    assert file.notes == ("Columns not used: phase.",)
    (row,) = file.responses.to_pylist()
    assert (row["item_id"], row["topic"], row["response_time_ms"], row["attempt_no"]) == ("7", None, None, None)


def test_numeric_ids_become_text(tmp_path: Path) -> None:
    assert read(parquet_file(tmp_path, item_id=[7, 8])).responses["item_id"].to_pylist() == ["7", "8"]


def test_rows_alike_count_once_and_are_counted(tmp_path: Path) -> None:
    file = read(csv_file(tmp_path, f"{HEADER}\n{ROW}\n{ROW}\n{ROW}\n"))
    assert file.responses.num_rows == 1
    assert file.notes == ("Rows that stood there twice, alike in every column, and count once: 2.",)


def test_finer_than_a_microsecond_is_cut_and_counted(tmp_path: Path) -> None:
    text = csv_file(tmp_path, f"{HEADER}\n{ROW.replace('123456Z', '123456999Z')}\n")
    typed = parquet_file(tmp_path, answered_at=pa.array([1736155800123456999] * 2, pa.timestamp("ns", "UTC")))
    for path, rows in ((text, 1), (typed, 2)):
        file = read(path)
        assert file.responses["answered_at"][0].as_py() == GOOD["answered_at"]
        assert file.notes == (f"answered_at: {rows} rows were finer than a microsecond and cut to it.",)


def test_a_far_date_beside_a_fine_one_is_named_as_it_stands(tmp_path: Path) -> None:
    """One instant with nanoseconds used to narrow the whole column to the years 1677 to 2262."""
    rows = [ROW.replace("123456Z", "123456789Z"), ROW.replace("2025", "2500")]
    says = "answers.csv, line 3, column answered_at: '2500-01-06T09:30:00.123456Z' lies in the future"
    assert mistake(csv_file(tmp_path, "\n".join([HEADER, *rows]))).startswith(says)


def test_rows_come_sorted_by_user_session_and_time() -> None:
    table = pa.Table.from_pylist(
        [
            GOOD | {"user_id": "u2"},
            GOOD | {"answered_at": dt.datetime(2025, 1, 6, 10, tzinfo=dt.UTC)},
            GOOD | {"session_id": "s0", "answered_at": dt.datetime(2025, 1, 6, 11, tzinfo=dt.UTC)},
            GOOD,
        ]
    )
    rows = from_table(table, "memory").responses.select(["user_id", "session_id", "answered_at"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == sorted(tuple(row.values()) for row in rows)


def test_a_real_file_reads_the_same_as_parquet_and_as_csv(tmp_path: Path) -> None:
    log = beside("data", "lkt_responses.parquet")
    pd.read_parquet(log).to_csv(tmp_path / "lkt.csv", index=False)
    typed, text = read(log), read(tmp_path / "lkt.csv")
    assert typed.responses.equals(text.responses)
    assert typed.responses.num_rows == 55_122
    assert typed.notes == text.notes == ("Columns not used: phase, timed_out.",)
