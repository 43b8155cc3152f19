"""Every mistake in a file of responses is one sentence with its place; every file without one is read exactly."""

import datetime as dt
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.errors import InvalidInput
from resources.ingest.response_file import from_table, read
from tests.beside import beside

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


def parquet_file(folder: Path, **columns: object) -> Path:
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


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("user_id", "", "column user_id: nothing is not an id"),
        ("session_id", "   ", "column session_id: '   ' is not an id"),
        ("item_id", "", "column item_id: nothing is not an id"),
        ("item_id", " i1", "column item_id: ' i1' begins or ends with a blank"),
        ("item_id", "i\x001", r"column item_id: 'i\x001' holds a control character"),
        ("user_id", "u" * 501, f"column user_id: '{'u' * 39}…' is longer than 500 characters"),
        ("correct", "2", "column correct: '2' is neither 0 (wrong) nor 1 (right)"),
        ("correct", "-1", "column correct: '-1' is neither"),
        ("correct", "yes", "column correct: 'yes' is neither"),
        ("answered_at", "", "column answered_at: nothing is not a date and time"),
        ("answered_at", "06/01/2025 09:30", "column answered_at: '06/01/2025 09:30' is not a date and time"),
        ("answered_at", "2025-02-30T09:30:00Z", "column answered_at: '2025-02-30T09:30:00Z' is not a date and time"),
        (
            "answered_at",
            "9999-12-31T23:59:59-05:00",
            "column answered_at: '9999-12-31T23:59:59-05:00' lies in the future",
        ),
        ("answered_at", "2025-01-06T09:30:00 UTC", "column answered_at: '2025-01-06T09:30:00 UTC' is not a date"),
        ("answered_at", "0001-01-01T00:00:00+09:00", "column answered_at: '0001-01-01T00:00:00+09:00' lies before"),
        ("answered_at", "0001-01-01T00:00:00Z", "column answered_at: '0001-01-01T00:00:00Z' lies before 2000-01-01"),
        ("answered_at", "2025-01-06", "column answered_at: '2025-01-06' is not a date and time"),
        ("answered_at", "45663.39", "column answered_at: '45663.39' is not a date and time"),  # a spreadsheet's day
        ("answered_at", "1970-01-01T00:00:00Z", "column answered_at: '1970-01-01T00:00:00Z' lies before 2000-01-01"),
        ("response_time_ms", "-5", "column response_time_ms: '-5' is not a whole number of milliseconds from 0"),
        ("response_time_ms", "12.5", "column response_time_ms: '12.5' is not a whole number"),
        ("response_time_ms", "2147483648", "column response_time_ms: '2147483648' is not a whole number"),
        ("response_time_ms", "NA", "column response_time_ms: 'NA' is not a whole number"),
        ("attempt_no", "1000000000", "column attempt_no: '1000000000' is not a whole number of attempts from 1 to 9"),
        ("attempt_no", "0", "column attempt_no: '0' is not a whole number of attempts from 1"),
    ],
)
def test_a_bad_value_is_named_with_its_place(tmp_path: Path, column: str, value: str, says: str) -> None:
    fields = dict(zip(HEADER.split(","), ROW.split(","), strict=True)) | {column: value}
    text = csv_file(tmp_path, f"{HEADER}\n{ROW}\n{','.join(fields.values())}\n")
    assert mistake(text).startswith(f"answers.csv, line 3, {says}")
    one_row = {name: [known] for name, known in GOOD.items()} | {column: pa.array([fields[column] or None])}
    typed = parquet_file(tmp_path, **one_row)
    assert mistake(typed).startswith(f"answers.parquet, row 1, {says}")
    assert mistake(typed).endswith("Nothing was loaded.")


@pytest.mark.parametrize("place", range(7))
@pytest.mark.parametrize("wrong", ["2025-02-30T09:30:00Z", "soon"])
def test_all_of_several_wrong_dates_are_named(tmp_path: Path, place: int, wrong: str) -> None:
    times = ["2025-01-06 09:30", "2025-01-06T09:30:00.5 +05"] * 4
    times[place], times[7] = wrong, "2025-13-01T09:30:00Z"
    typed = parquet_file(tmp_path, **{name: [value] * 8 for name, value in GOOD.items()} | {"answered_at": times})
    with pytest.raises(InvalidInput) as caught:
        read(typed)
    assert str(caught.value).splitlines()[1:] == [
        f"  answers.parquet, row {place + 1}, column answered_at: '{wrong}' is not a date and time: write it such as "
        "2025-01-06T09:30:00Z.",
        "  answers.parquet, row 8, column answered_at: '2025-13-01T09:30:00Z' is not a date and time: write it such as "
        "2025-01-06T09:30:00Z.",
        "Nothing was loaded.",
    ]


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        ("user_id", [1.5, 2.5], "row 1, column user_id: '1.5' is of the type double: write text"),
        ("correct", [1, 2], "row 2, column correct: '2' is neither"),
        ("correct", [1.0, 0.5], "row 2, column correct: '0.5' is neither"),
        ("correct", [[1], [0]], "row 1, column correct: '[1]' is of the type list"),
        ("answered_at", [1736155800, 17361558], "row 2, column answered_at: '17361558' is not a date and time"),
        ("answered_at", [dt.date(2025, 1, 6)] * 2, "row 1, column answered_at: '2025-01-06' is of the type date32"),
        (
            "answered_at",
            pa.array([1736155800, 2**40], pa.timestamp("s")),
            "row 2, column answered_at: '<value out of range: 1099511627776000>' is not",
        ),
        ("response_time_ms", [5.0, 0.5], "row 2, column response_time_ms: '0.5' is not a whole number"),
        ("response_time_ms", [float("inf"), 1.0], "row 1, column response_time_ms: 'inf' is not a whole number"),
        ("attempt_no", [True, True], "row 1, column attempt_no: 'True' is of the type bool"),
    ],
)
def test_a_bad_parquet_value_is_named_with_its_row(tmp_path: Path, column: str, values: object, says: str) -> None:
    assert mistake(parquet_file(tmp_path, **{column: values})).startswith(f"answers.parquet, {says}")


def test_a_line_is_counted_as_an_editor_counts(tmp_path: Path) -> None:
    """A quoted line break and an empty line both take a line of their own."""
    quoted = ROW.replace("Algebra", '"\n"')  # nothing but a line break: no topic
    lines = [HEADER, quoted, "", ROW.replace(",1,2", ",2,2")]
    assert mistake(csv_file(tmp_path, "\n".join(lines))).startswith("answers.csv, line 5, column correct: '2'")


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("", "answers.csv is empty"),
        ("\n\n", "answers.csv is empty"),
        (HEADER, "answers.csv has a header and no rows"),
        (ROW, "answers.csv has no column user_id, session_id, item_id, correct, answered_at; it has u1, s1, i1"),
        (
            f"{HEADER.replace('item_id', 'item')}\n{ROW}",
            "answers.csv has no column item_id; it has user_id, session_id, item",
        ),
        (f"{HEADER},correct\n{ROW},0", "answers.csv has the column correct twice"),
        (f"{HEADER}\n{ROW}\n{ROW[:20]}", "answers.csv, line 3 has too few fields (was the file cut off?): 5"),
        (f"{HEADER}\n{ROW},9\n", "answers.csv, line 2 has too many fields"),
        (f'{HEADER}\n{ROW}\n"u1,s1', "answers.csv, line 3: the quotes do not match up"),
        (f'{HEADER}\n"u"1,s1\n', "answers.csv, line 2: the quotes do not match up"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16"), "answers.csv is UTF-16: save it as UTF-8"),
        (
            f"{HEADER}\n{ROW}\nJosé,{ROW[3:]}".encode("latin-1"),
            "answers.csv, line 3 is not UTF-8 (byte 0xE9 at position 4)",
        ),
        (b"PK\x03\x04 and so on", "answers.csv is a spreadsheet or an archive"),
    ],
)
def test_a_damaged_csv_says_where(tmp_path: Path, file: str | bytes, says: str) -> None:
    assert mistake(csv_file(tmp_path, file)).startswith(says)


def test_a_damaged_parquet_says_so(tmp_path: Path) -> None:
    path = parquet_file(tmp_path)
    whole = path.read_bytes()
    for damaged in (whole[:-20], whole[: len(whole) // 2], whole[:4], b"user_id,correct\n"):
        path.write_bytes(damaged)
        assert mistake(path).startswith("answers.parquet is cut off or damaged (")
    path.write_bytes(b"")
    assert mistake(path).startswith("answers.parquet is empty")


def test_a_parquet_header_is_checked_too(tmp_path: Path) -> None:
    assert mistake(parquet_file(tmp_path, item_id=None, correct=None)).startswith(
        "answers.parquet has no column item_id, correct; it has user_id"
    )
    path = tmp_path / "answers.parquet"
    table = pq.read_table(parquet_file(tmp_path))
    pq.write_table(table.append_column("correct", table["correct"]), path)
    assert mistake(path).startswith("answers.parquet has the column correct twice")
    pq.write_table(table.slice(0, 0), path)
    assert mistake(path).startswith("answers.parquet has a header and no rows")


def test_one_answer_told_in_two_ways_is_a_mistake(tmp_path: Path) -> None:
    text = csv_file(tmp_path, f"{HEADER}\n{ROW}\nu0{ROW[2:]}\n{ROW.replace(',1,', ',0,')}\n")
    assert mistake(text).startswith(
        "answers.csv, line 4, column correct: answers.csv, line 2 gives this answer otherwise"
    )
    assert read(csv_file(tmp_path, f"{HEADER}\n{ROW}\n{ROW[:-1]}2\n")).responses.num_rows == 2  # another attempt


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert mistake(tmp_path / "answers.csv").startswith("There is no file")
    assert mistake(tmp_path).startswith("The folder")


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
