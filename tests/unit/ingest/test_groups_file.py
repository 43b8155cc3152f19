"""A file of groups: read exactly, or refused with the line."""

from pathlib import Path

import pytest

from resources.errors import InvalidInput
from resources.ingest.groups_file import read_groups


def file(folder: Path, text: str) -> str:
    path = folder / "groups.csv"
    path.write_text(text, "utf-8")
    return str(path)


def test_somebody_may_be_in_several_groups_and_is_a_learner_unless_told(tmp_path: Path) -> None:
    read = read_groups(file(tmp_path, "group,user_id,role,name,room\n3-2,u1,,김하나,7\n4-1,u1,,,\n3-2,t1,teacher,,7\n"))
    assert [tuple(row.values()) for row in read.rows] == [
        ("3-2", "u1", "learner", "김하나"), ("4-1", "u1", "learner", None), ("3-2", "t1", "teacher", None),
    ]  # fmt: skip
    assert read.unused == ["room"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("user_id\nu1\n", "groups.csv has no column group; it has user_id. Beside group and user_id there may be role"),
        ("group,user_id\n,u1\n", "groups.csv, line 2, column group: nothing is not an id"),
        ("group,user_id,role\n3-2,u1,pupil\n", "groups.csv, line 2, column role: 'pupil' is no role: write learner or"),
        (
            "group,user_id,name\na,u1,x\na,u1,y\n",
            "groups.csv, line 3: 'u1' is told otherwise before. Keep one row of a",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_groups(file(tmp_path, text))
    assert str(caught.value).startswith(says)
