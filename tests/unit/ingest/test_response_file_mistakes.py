"""Every mistake in a file of responses is one sentence with its place."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.errors import InvalidInput
from resources.ingest.response_file import read
from tests.unit.ingest.response_files import GOOD, HEADER, ROW, csv_file, mistake, parquet_file


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
