import resource
import signal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from resources.answers.blanks import Counts
from resources.artifacts.folder import FolderStore
from resources.errors import OperatorRequired
from resources.model import Week
from resources.warehouse.warehouse import Warehouse
from tests import answer_tables

WEEK = Week.parse("2025-01-06")


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(FolderStore(tmp_path / "ware house"))


def answers(*rows: tuple[str, str, bool | None, int | None], hint: bool | None = None) -> pa.Table:
    frame = pd.DataFrame(rows, columns=["user_id", "item_key", "correct", "response_time_ms"])
    frame = frame.assign(
        correct=frame["correct"].astype("boolean"),
        response_time_ms=frame["response_time_ms"].astype("Int64"),
        completed_at=pd.Timestamp("2025-01-07 10:00:00.123456", tz="UTC"),
        session_id="s",
        topic_id="algebra",
        attempt_no=1,
        hint_used=pd.array([hint] * len(frame), dtype="boolean"),
    )
    return answer_tables.table(frame)


def by_user(table: pa.Table, *user_ids: str) -> dict[str, pa.Table]:
    return {user_id: table.filter(pc.equal(table["user_id"], user_id)) for user_id in user_ids}


def test_what_was_frozen_comes_back_with_missing_values_missing(warehouse):
    warehouse.write(WEEK, by_user(answers(("u2", "q1", None, None), ("u1", "q1", True, 900)), "u1", "u2"))
    back = answer_tables.frame(warehouse.read([WEEK], ["u1", "u2"]))
    assert back["user_id"].tolist() == ["u1", "u2"]
    assert back["correct"].tolist() == [True, pd.NA]
    assert back["response_time_ms"].tolist() == [900, pd.NA]
    assert back["completed_at"].iloc[0] == pd.Timestamp("2025-01-07 10:00:00.123456", tz="UTC")


def test_a_key_without_answers_is_frozen_as_empty_and_not_missing(warehouse):
    warehouse.write(WEEK, by_user(answers(("u1", "q1", True, 900)), "u1", "u2"))
    assert warehouse.missing(WEEK, ["u1", "u2", "u3"]) == ["u3"]
    assert len(warehouse.read([WEEK], ["u2"])) == 0


def test_reading_a_week_that_was_never_frozen_is_an_error_and_not_an_empty_answer(warehouse):
    warehouse.write(WEEK, {"u1": answers(("u1", "q1", True, 900))})
    with pytest.raises(OperatorRequired, match="2025-01-13 are not frozen for 1 of 1"):
        warehouse.read([WEEK, WEEK.plus(1)], ["u1"])


def test_a_full_disk_is_told_in_a_sentence_and_what_was_frozen_before_is_whole(warehouse):
    """It was a traceback; here the disk is full for files of more than a few bytes."""
    warehouse.write(WEEK, {"u1": answers(("u1", "q1", True, 900))})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
    try:
        with pytest.raises(OperatorRequired, match=r"of 2025-01-06 cannot be frozen in .*Give it room"):
            warehouse.write(WEEK, {"u1": answers(("u1", "q1", False, 900))})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert warehouse.read([WEEK], ["u1"])["correct"].to_pylist() == [True]


def test_the_same_answers_in_another_order_make_the_same_bytes(warehouse, tmp_path):
    rows = answers(("u1", "q1", True, 900), ("u1", "q2", False, None), ("u1", "q3", None, 5))
    warehouse.write(WEEK, {"u1": rows})
    path = tmp_path / "ware house" / "responses" / WEEK.key / "u1.parquet"
    first = path.read_bytes()
    warehouse.write(WEEK, {"u1": rows.take([2, 0, 1])})
    assert path.read_bytes() == first


def test_hints_of_a_file_frozen_before_there_was_such_a_column_are_missing_and_not_false(warehouse, tmp_path):
    rows = answers(("u1", "q1", True, 900), ("u2", "q1", True, 900), hint=True)
    warehouse.write(WEEK, by_user(rows, "u1", "u2"))
    path = tmp_path / "ware house" / "responses" / WEEK.key / "u1.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["hint_used"]), path)
    assert warehouse.read([WEEK], ["u1", "u2"])["hint_used"].to_pylist() == [None, True]


def test_no_partial_file_stays_behind(warehouse, tmp_path):
    warehouse.write(WEEK, by_user(answers(("u1", "q1", True, 900)), "u1", "u2"))
    names = sorted(path.name for path in (tmp_path / "ware house").rglob("*.*"))
    assert names == ["u1.parquet", "u2.parquet"]


def test_a_file_frozen_before_there_was_a_column_is_read_with_nulls(warehouse, tmp_path):
    """What an earlier version froze knows nothing of blanks: neither omitted nor not reached."""
    warehouse.write(WEEK, {"u1": answers(("u1", "q1", None, 900))})
    (path,) = (tmp_path / "ware house").rglob("*.parquet")
    pq.write_table(pq.read_table(path).drop_columns(["omitted"]), path)
    for columns in ({}, {"columns": ("user_id", "omitted")}):
        back = warehouse.read([WEEK], ["u1"], **columns)
        assert back["omitted"].to_pylist() == [None]
    assert Counts.of(warehouse.read([WEEK], ["u1"])) == Counts(unknown=1)
