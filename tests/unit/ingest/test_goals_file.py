"""A file of goals: read exactly, or refused with the line."""

from pathlib import Path

import pytest

from resources.errors import InvalidInput
from resources.ingest.goals_file import read_goals


def file(folder: Path, text: str) -> str:
    path = folder / "goals.csv"
    path.write_text(text, "utf-8")
    return str(path)


def test_a_goal_is_a_score_and_a_day(tmp_path: Path) -> None:
    read = read_goals(file(tmp_path, "user_id,score,by,why\nu1,640,2025-06-30,\nu2,512.5,2025-03-01,x\n"))
    assert [tuple(row.values()) for row in read.rows] == [("u1", "640", "2025-06-30"), ("u2", "512.5", "2025-03-01")]
    assert read.unused == ["why"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "user_id,score,by\nu1,high,2025-06-30\n",
            "goals.csv, line 2, column score: 'high' is no score: write",
        ),
        ("user_id,score,by\nu1,640,30.6.2025\n", "goals.csv, line 2, column by: '30.6.2025' is no day: write it as"),
        ("user_id,score,by\nu1,640,2025-02-30\n", "goals.csv, line 2, column by: '2025-02-30' is no day"),
        ("user_id,score\nu1,640\n", "goals.csv, line 2, column by: nothing is no day"),
        (
            "user_id,score,by\nu1,640,2025-06-30\nu1,650,2025-06-30\n",
            "goals.csv, line 3: 'u1' is told otherwise",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_goals(file(tmp_path, text))
    assert str(caught.value).startswith(says)
