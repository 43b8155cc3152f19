"""Files as people have them: each is read exactly, with what was assumed said, or refused with the line and the remedy.

What a spreadsheet or a converter does to a file used to merge or to split learners without a word.
"""

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from resources.errors import InvalidInput
from resources.ingest.response_file import read
from tests.unit.ingest.test_response_file import HEADER, ROW, csv_file, mistake

FIELDS = HEADER.split(",")


def row(**changes: str) -> str:
    return ",".join((dict(zip(FIELDS, ROW.split(","), strict=True)) | changes).values())


def of(*rows: str) -> str:
    return "\n".join([HEADER, *rows, ""])


ROUNDED = "is a number that a spreadsheet has rounded"
SPELT_OUT = "is a missing value spelt out"
UNSEEN = "holds a character that cannot be seen"
OTHERWISE = "is another id written differently"


@pytest.mark.parametrize("column", ["user_id", "session_id", "item_id"])
@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("9.91214E+15", ROUNDED), ("9.91214e+15", ROUNDED), ("1E+15", ROUNDED), ("9.9E15", ROUNDED),
        ("1e-05", ROUNDED), ("-1.5E+10", ROUNDED),
        ("nan", SPELT_OUT), ("NaN", SPELT_OUT), ("NA", SPELT_OUT), ("N/A", SPELT_OUT), ("#N/A", SPELT_OUT),
        ("<NA>", SPELT_OUT), ("None", SPELT_OUT), ("NULL", SPELT_OUT), ("(null)", SPELT_OUT), ("nil", SPELT_OUT),
        ("NaT", SPELT_OUT), ("undefined", SPELT_OUT), ("#REF!", SPELT_OUT), ("#VALUE!", SPELT_OUT), ("####", SPELT_OUT),
        ("'00123", "begins with a spreadsheet's apostrophe"), ("’123", "begins with a spreadsheet's apostrophe"),
        ('"=""00123"""', "is a spreadsheet's formula"), ("=A1", "is a spreadsheet's formula"),
        ("u1\u200b", UNSEEN), ("\ufeffu1", UNSEEN), ("u\u00ad1", UNSEEN), ("u1\u200e", UNSEEN), ("u\u20601", UNSEEN),
        ("Jos\ufffd", "holds the mark of a character that was lost"),
        ("\u00a0u1", "begins or ends with a blank"), ("u1\u3000", "begins or ends with a blank"),
    ],
)  # fmt: skip
def test_an_id_that_something_has_changed_is_refused_with_its_line(
    tmp_path: Path, column: str, value: str, says: str
) -> None:
    said = mistake(csv_file(tmp_path, of(row(user_id="u2"), row(**{column: value}))))
    assert said.startswith(f"answers.csv, line 3, column {column}: ")
    assert says in said


@pytest.mark.parametrize(
    "value",
    ["nancy", "Nana", "nullarbor", "12e5", "0012", "1.2.0", "a.0", "O'Brien", "u 1", "김민수", "Zoë", "e+10", "123-456",
     "a=b", "user@school.org", "{8D1-00E5}", "none-1", "10000000000000000000000"],
)  # fmt: skip
def test_an_id_that_only_looks_odd_is_kept_as_it_is(tmp_path: Path, value: str) -> None:
    file = read(csv_file(tmp_path, of(row(user_id=value, session_id=value, item_id=value))))
    assert file.responses.select(["user_id", "session_id", "item_id"]).to_pylist() == [
        {"user_id": value, "session_id": value, "item_id": value}
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("12", "12.0"), ("12.00", "12"), ("Zo\u00eb", "Zoe\u0308"), ("김", "\u1100\u1175\u11b7"), ("u１", "u1"),
        ("a b", "a\u00a0b"), ("ﬁona", "fiona"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("column", ["user_id", "item_id"])
def test_one_id_written_in_two_ways_is_named_with_both_lines(tmp_path: Path, column: str, one: str, other: str) -> None:
    said = mistake(csv_file(tmp_path, of(row(**{column: one}), row(user_id="x", item_id="y"), row(**{column: other}))))
    assert said.startswith(f"answers.csv, line 4, column {column}: {other!a} {OTHERWISE}: {one!a}, answers.csv, line 2")


def test_a_session_written_in_two_ways_is_named_where_it_is_of_one_learner(tmp_path: Path) -> None:
    rows = [row(session_id="7"), row(session_id="7.0", user_id="u2")]
    assert read(csv_file(tmp_path, of(*rows))).n_responses == 2
    assert OTHERWISE in mistake(csv_file(tmp_path, of(*rows, row(session_id="7.0"))))


@pytest.mark.parametrize(("one", "other"), [("U1", "u1"), ("007", "7"), ("Ab", "aB"), ("a  b", "a b")])
def test_ids_that_differ_in_case_or_leading_zeros_are_two_and_counted(tmp_path: Path, one: str, other: str) -> None:
    file = read(csv_file(tmp_path, of(row(user_id=one), row(user_id=other))))
    assert file.n_responses == 2
    assert file.notes == (
        f"user_id: 1 ids differ from another only in case, blanks or leading zeros, such as {one!r} and {other!r}; "
        "they count as different.",
    )


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("0001-01-01T00:00:00Z", "lies before 2000-01-01"), ("1970-01-01T00:00:00Z", "lies before 2000-01-01"),
        ("1899-12-30T00:00:00Z", "lies before 2000-01-01"), ("1999-12-31T23:59:59Z", "lies before 2000-01-01"),
        ("9999-12-31T00:00:00Z", "lies in the future"), ("2099-01-01T00:00:00Z", "lies in the future"),
        ("0", "is not a date and time"), ("45663.4", "is not a date and time"), ("-62135596800", "is not a date"),
        ("0000-00-00 00:00:00", "is not a date and time"), ("2025-02-29T10:00:00Z", "is not a date and time"),
        ("2025-01-06T24:30:00Z", "is not a date and time"), ("01/06/2025", "is not a date and time"),
        ("Jan 6, 2025 9:30 AM", "is not a date and time"), ("NaT", "is not a date and time"),
    ],
)  # fmt: skip
def test_an_instant_that_no_answer_has_is_refused(tmp_path: Path, value: str, says: str) -> None:
    """0001-01-01 became the first week, and every later run ended in an OverflowError."""
    said = mistake(csv_file(tmp_path, of(row(), row(item_id="i2", answered_at=value.replace(",", "")))))
    assert said.startswith("answers.csv, line 3, column answered_at: ")
    assert says in said


@pytest.mark.parametrize(
    ("value", "microseconds"),
    [("1736155800", 0), ("1736155800.5", 500_000), ("1736155800123", 123_000), ("1736155800123456", 123_456)],
)
def test_seconds_and_milliseconds_since_1970_are_read(tmp_path: Path, value: str, microseconds: int) -> None:
    (at,) = read(csv_file(tmp_path, of(row(answered_at=value)))).responses["answered_at"].to_pylist()
    assert at.isoformat().startswith("2025-01-06T09:30:00")
    assert at.microsecond == microseconds


def test_without_a_zone_it_is_utc_and_that_is_said(tmp_path: Path) -> None:
    file = read(csv_file(tmp_path, of(row(answered_at="2025-01-06 09:30"), row(item_id="i2"))))
    assert file.notes == ("answered_at: 1 rows were without a time zone and taken as UTC.",)


@pytest.mark.parametrize(("value", "right"), [("1.0", True), ("0.0", False), ("TRUE", True), ("False", False)])
def test_right_and_wrong_as_converters_write_them(tmp_path: Path, value: str, right: bool) -> None:
    """`1.0` was refused in CSV, and passed in Parquet."""
    assert read(csv_file(tmp_path, of(row(correct=value)))).responses["correct"].to_pylist() == [right]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    rows = [row(correct="2"), row(answered_at="soon", user_id="NA"), row()[:20], row(attempt_no="0"), row()]
    with pytest.raises(InvalidInput) as caught:
        read(csv_file(tmp_path, of(*rows)))
    lines = str(caught.value).splitlines()
    assert lines[0] == "answers.csv has 5 mistakes:"
    assert [line.split(":")[0].strip() for line in lines[1:-1]] == [
        "answers.csv, line 2, column correct",
        "answers.csv, line 3, column answered_at",
        "answers.csv, line 3, column user_id",
        "answers.csv, line 4 has too few fields (was the file cut off?)",
        "answers.csv, line 5, column attempt_no",
    ]
    assert lines[-1] == "Nothing was loaded."


def test_of_many_mistakes_the_first_twenty_are_told_and_each_kind_is_counted(tmp_path: Path) -> None:
    rows = [row(item_id=f"i{n}", correct="yes" if n % 2 else "1", user_id="u1" if n % 3 else "nan") for n in range(90)]
    with pytest.raises(InvalidInput) as caught:
        read(csv_file(tmp_path, of(*rows)))
    lines = [line.strip() for line in str(caught.value).splitlines()]
    assert lines[0] == "answers.csv has 75 mistakes. The first 20:"
    assert lines.index("By kind:") == 21
    assert lines[22].startswith("45 × column correct: is neither 0 (wrong) nor 1 (right)")
    assert lines[23].startswith("30 × column user_id: is a missing value spelt out")


def test_a_row_for_each_skill_of_an_answer_is_not_told_to_number_attempts(tmp_path: Path) -> None:
    said = mistake(csv_file(tmp_path, of(row(topic="Fractions"), row(topic="Ratios"))))
    assert said == (
        "answers.csv, line 3, column topic: answers.csv, line 2 gives this answer under another topic. "
        "Keep one row of an answer, with one topic. Nothing was loaded."
    )


def test_a_field_longer_than_pythons_own_limit_is_read(tmp_path: Path) -> None:
    essay = 'He said ""no"". ' * 20_000
    path = csv_file(tmp_path, f'{HEADER},essay\n{ROW},"{essay}"\n')
    assert read(path).responses["item_id"].to_pylist() == ["i1"]


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_packed_files_are_read_and_a_cut_one_says_so(tmp_path: Path, packing: str) -> None:
    text = of(row(), row(item_id="i2", correct="2")).encode()
    packed = gzip.compress(text) if packing == "gzip" else pa.compress(text, "zstd", asbytes=True)
    path = csv_file(tmp_path, packed)
    assert mistake(path).startswith("answers.csv, line 3, column correct: '2'")
    path.write_bytes(packed[:-9])
    assert mistake(path).startswith("answers.csv is cut off or damaged (")


def test_a_quoted_line_break_far_down_does_not_shift_the_lines(tmp_path: Path) -> None:
    """Arrow reads what is plain, Python's csv the rest; both count lines as an editor does."""
    filler = [row(item_id=f"item {n}") for n in range(100_000)]  # more than one block
    rows = [*filler[:60_000], row(item_id="a", topic='"x\ny"'), *filler[60_000:], row(item_id="b", correct="2")]
    with pytest.raises(InvalidInput) as caught:
        read(csv_file(tmp_path, of(*rows)))
    first, second = str(caught.value).splitlines()[1:-1]
    assert first.startswith("  answers.csv, line 60002, column topic: 'x\\ny' holds a control character")
    assert second.startswith("  answers.csv, line 100004, column correct: '2'")


@pytest.mark.parametrize("value", ["[/b]", "[bold]", "{n}", "%s"])
def test_a_value_that_looks_like_markup_is_shown_as_it_is(tmp_path: Path, value: str) -> None:
    assert f"'{value}' is neither" in mistake(csv_file(tmp_path, of(row(correct=value))))


@pytest.mark.parametrize(("value", "noted"), [("2-Jan", True), ("Sep-03", True), ("1-Feb-25", True), ("Mar", False)])
def test_an_id_written_like_a_date_is_counted(tmp_path: Path, value: str, noted: bool) -> None:
    notes = read(csv_file(tmp_path, of(row(item_id=value)))).notes
    assert notes == (
        ("item_id: 1 rows were written like a date, as a spreadsheet does with 1-2 or SEP3.",) if noted else ()
    )


def test_numbers_that_a_spreadsheet_cut_to_15_digits_are_refused(tmp_path: Path) -> None:
    """Learners whose ids differed after the fifteenth digit were one."""
    cut = [row(user_id=f"12345678901234{n}000") for n in range(4)]
    said = mistake(csv_file(tmp_path, of(*cut)))
    assert said.startswith("answers.csv, column user_id: all 4 ids of more than 15 digits have only zeros after those")
    assert read(csv_file(tmp_path, of(*cut, row(user_id="123456789012345678")))).n_responses == 5
    assert read(csv_file(tmp_path, of(*cut[:3]))).n_responses == 3


def test_utf16_without_its_mark_is_named(tmp_path: Path) -> None:
    assert mistake(csv_file(tmp_path, of(row()).encode("utf-16-le"))).startswith("answers.csv is UTF-16")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text + "Total: 2 rows\n", "line 3 has too few fields"),
        (lambda text: text + text, "line 3, column answered_at: 'answered_at' is not a date and time"),
        (lambda text: "sep=,\n" + text, "answers.csv has no column user_id"),
        (lambda text: "# exported\n" + text, "answers.csv has no column user_id"),
        (lambda text: text.replace("user_id", "User_ID"), "answers.csv has no column user_id; it has User_ID"),
        (lambda text: text.replace(",", "|"), "answers.csv has no column user_id"),
        (lambda text: text.replace("\n", ",\n").replace("attempt_no,", "attempt_no"), "line 2 has too many fields"),
        (lambda text: text[:-20], "line 2 has too few fields"),
        (lambda text: text.replace("u1", '"u1'), "the quotes do not match up"),
        (lambda text: "<html><body>Sign in</body></html>", "answers.csv has no column user_id"),
    ],
)  # fmt: skip
def test_a_file_that_was_exported_oddly_is_refused(tmp_path: Path, change, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(csv_file(tmp_path, change(of(row()))))
    assert says in str(caught.value)


def test_a_comma_at_the_end_of_every_line_is_a_column_without_a_name(tmp_path: Path) -> None:
    text = of(row()).replace("\n", ",\n")
    assert read(csv_file(tmp_path, text)).responses["item_id"].to_pylist() == ["i1"]
