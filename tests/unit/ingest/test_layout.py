"""Other names of columns, other encodings, several files as one: read as told, and kept under a name."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.errors import InvalidInput
from resources.ingest.reading.layout import Layout, mapped, save, saved
from resources.ingest.reading.sources import find
from resources.ingest.response_file import read
from tests.unit.ingest.test_response_file import GOOD, HEADER, ROW, csv_file


def says(call, *arguments) -> str:
    with pytest.raises(InvalidInput) as caught:
        call(*arguments)
    return str(caught.value)


def test_columns_are_read_under_the_files_own_names(tmp_path: Path) -> None:
    header = HEADER.replace("item_id", "question").replace("user_id", "learner")
    layout = Layout(mapped(["item_id=question", "user_id = learner"]))
    assert read(csv_file(tmp_path, f"{header}\n{ROW}\n"), layout).responses["item_id"].to_pylist() == ["i1"]


def test_one_column_may_serve_twice(tmp_path: Path) -> None:
    layout = Layout(mapped(["session_id=topic"]))
    (row,) = read(csv_file(tmp_path, f"{HEADER}\n{ROW}\n"), layout).responses.to_pylist()
    assert (row["session_id"], row["topic"]) == ("Algebra", "Algebra")


def test_an_optional_column_that_was_mapped_must_be_there(tmp_path: Path) -> None:
    said = says(read, csv_file(tmp_path, f"{HEADER}\n{ROW}\n"), Layout(mapped(["topic=skill"])))
    assert said.startswith("answers.csv has no column skill; it has user_id")


@pytest.mark.parametrize("pair", ["item_id", "item_id=", "=question", "question=item_id"])
def test_a_mapping_that_is_none_is_named(pair: str) -> None:
    assert says(mapped, [pair]).startswith(f"--map {pair} is not understood")


def test_a_layout_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    layout = Layout({"item_id": 'Frage "Nr."\\', "topic": "주제 🎓"}, "cp949")
    save(tmp_path / "presets", "my-school", layout)
    assert saved(tmp_path / "presets", "my-school") == layout


def test_a_kept_layout_that_is_not_there_or_was_broken_is_named(tmp_path: Path) -> None:
    path = save(tmp_path, "school", Layout())
    assert says(saved, tmp_path, "scool") == "There is no preset scool: name one of school."
    assert says(saved, tmp_path, "../school").startswith("'../school' is no name for a preset")
    path.write_text("columns = [")
    assert "is not TOML" in says(saved, tmp_path, "school")
    path.write_text('[columns]\nitem = "q"')
    assert "may hold `encoding` and `[columns]`" in says(saved, tmp_path, "school")


@pytest.mark.parametrize("encoding", ["cp949", "utf-16", "utf-16-le", "euc-kr", "utf-8-sig"])
def test_a_named_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    text = f"{HEADER}\n{ROW.replace('Algebra', '대수')}\n".encode(encoding)
    assert read(csv_file(tmp_path, text), Layout(encoding=encoding)).responses["topic"].to_pylist() == ["대수"]


def test_what_is_not_utf8_is_refused_with_an_advice(tmp_path: Path) -> None:
    rows = "\n".join(ROW.replace("i1", f"문제 {n}").replace("Algebra", "대수학 기초 과정") for n in range(50))
    said = says(read, csv_file(tmp_path, f"{HEADER}\n{rows}\n".encode("cp949")))
    assert said.startswith("answers.csv, line 2 is not UTF-8 (byte 0xB9 at position 7)")
    assert "it looks like --encoding cp949" in said


def test_a_wrong_encoding_is_named_and_an_unknown_one_too(tmp_path: Path) -> None:
    path = csv_file(tmp_path, f"{HEADER}\n{ROW.replace('Algebra', '대수')}\n")
    assert says(read, path, Layout(encoding="ascii")).startswith("answers.csv is not ascii (byte 0xEB)")
    (tmp_path / "odd.toml").write_text('encoding = "klingon"')
    assert says(saved, tmp_path, "odd").startswith("There is no encoding klingon")


def parts(folder: Path) -> None:
    """Half a session each; the second is the earlier."""
    rows = [GOOD | {"item_id": item} for item in ("i1", "i2")]
    folder.mkdir()
    for name, row in zip(("part-1.parquet", "part-0.parquet"), rows, strict=True):
        pq.write_table(pa.Table.from_pylist([row]), folder / name)
    (folder / "_SUCCESS").touch()
    (folder / ".part-0.parquet.crc").write_bytes(b"crc")


def test_a_folder_is_one_file_and_what_is_hidden_in_it_is_none(tmp_path: Path) -> None:
    parts(tmp_path / "export")
    file = read(tmp_path / "export")
    assert (file.name, file.responses["item_id"].to_pylist()) == ("export", ["i2", "i1"])


def test_a_pattern_is_one_file_too_and_may_mix_kinds(tmp_path: Path) -> None:
    parts(tmp_path / "export")
    csv_file(tmp_path / "export", f"{HEADER}\n{ROW.replace('i1', 'i3')}\n")
    file = read(find(f"{tmp_path}/*/[ap]*"))
    assert sorted(file.responses["item_id"].to_pylist()) == ["i1", "i2", "i3"]
    assert says(find, f"{tmp_path}/*.zip").startswith("No file matches")


def test_a_mistake_in_a_folder_is_named_with_its_file(tmp_path: Path) -> None:
    parts(tmp_path / "export")
    csv_file(tmp_path / "export", f"{HEADER}\n{ROW.replace('Algebra', 'Ratios')}\n")
    assert says(read, tmp_path / "export").startswith(
        "export/part-1.parquet, row 1, column topic: export/answers.csv, line 2 gives this answer under another topic."
    )


def test_one_id_in_two_ways_is_found_across_files(tmp_path: Path) -> None:
    parts(tmp_path / "export")
    csv_file(tmp_path / "export", f"{HEADER}\n{ROW.replace('u1', 'u１')}\n")
    assert "is another id written differently" in says(read, tmp_path / "export")
