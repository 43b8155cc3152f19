"""A file of items: read exactly, or refused with the line."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.errors import InvalidInput
from resources.ingest.items_file import read_items

NOTHING = dict.fromkeys(("title", "topic", "url", "exam", "key"))


def file(folder: Path, text: str) -> str:
    path = folder / "items.csv"
    path.write_text(text, "utf-8")
    return str(path)


def test_what_is_told_is_read_and_the_rest_is_none(tmp_path: Path) -> None:
    read = read_items(
        file(tmp_path, "item_id,title,url,points\ni1,Adding,https://x.org/1,3\ni2,,,1\ni1,Adding,https://x.org/1,3\n")
    )
    assert read.rows == [
        NOTHING | {"item_id": "i1", "title": "Adding", "url": "https://x.org/1"}, NOTHING | {"item_id": "i2"},
    ]  # fmt: skip
    assert read.unused == ["points"]


def test_parquet_is_read_by_the_same_rules(tmp_path: Path) -> None:
    pq.write_table(pa.table({"item_id": [1, 2], "topic": ["A", None]}), tmp_path / "items.parquet")
    assert read_items(str(tmp_path / "items.parquet")).rows[0] == NOTHING | {"item_id": "1", "topic": "A"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "items.csv is empty"),
        ("title\nx\n", "items.csv has no column item_id; it has title."),
        ("item_id,url,url\ni,,\n", "items.csv has the column url twice"),
        ("item_id,title\n", "items.csv has a header and no rows"),
        ("item_id,title\n1E+15,x\n", "items.csv, line 2, column item_id: '1E+15' is a number that a spreadsheet"),
        ("item_id,title\n,x\n", "items.csv, line 2, column item_id: nothing is not an id"),
        ("item_id,title\ni,x\ni,y\n", "items.csv, line 3: 'i' is told otherwise before. Keep one row of an item."),
        ("item_id,title\ni,x,y\n", "items.csv, line 2 has too many fields"),
        ("item_id,url\ni,javascript:alert(1)\n", "items.csv, line 2, column url: 'javascript:alert(1)' is no address"),
        ("item_id,url\ni,x.org\n", "items.csv, line 2, column url: 'x.org' is no address: write it with https://"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_items(file(tmp_path, text))
    assert str(caught.value).startswith(says)
