"""What goes in as a file comes out of the view exactly, once, and without touching what is the platform's."""

import datetime as dt
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine, transaction
from resources.database.queries.sessions import attempts
from resources.errors import InvalidInput
from resources.ingest.load import Ingested, ingest
from resources.ingest.response_file import read
from resources.model import Week
from seedtest_pipeline.demo.synthetic_exam import EXAM_ID, synthetic_exam
from tests import answer_tables
from tests.beside import beside
from tests.integration.ingest.loading import (
    NOON,
    SECOND,
    answer,
    as_attempts,
    assert_stored,
    file_of,
    load,
    stored,
)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def sessions(engine: sa.Engine) -> list[dict[str, object]]:
    with transaction(engine) as connection:
        rows = connection.exec_driver_sql("SELECT * FROM exam_results ORDER BY user_id, session_id")
        return [dict(row) for row in rows.mappings()]


def test_a_synthetic_exam_comes_back_exactly_missing_answers_and_times_included(engine: sa.Engine) -> None:
    exam = synthetic_exam(1, Week(dt.date(2025, 1, 6)), n_users=40, n_weeks=3)
    file = exam.as_file()
    assert exam.responses["correct"].isna().any()
    assert exam.responses["response_time_ms"].isna().any()
    result = load(engine, file)
    assert result == Ingested(len(exam.responses), new=exam.responses["session_id"].nunique())
    assert_stored(engine, file)


def test_a_real_practice_log_comes_back_exactly(engine: sa.Engine) -> None:
    file = read(beside("data", "lkt_responses.parquet"))
    assert load(engine, file) == Ingested(55_122, new=827)
    assert_stored(engine, file)


def test_a_row_is_a_whole_session(engine: sa.Engine) -> None:
    load(engine, file_of(answer("i2", 60, correct=False), answer("i1", 0), answer("i3", 90, session_id="s2")), "exam-7")
    first, second = sessions(engine)
    assert (first["user_id"], first["session_id"], first["exam_id"], first["status"]) == (
        "u1",
        "s1",
        "exam-7",
        "completed",
    )
    assert (first["created_at"], first["updated_at"]) == (NOON, NOON + 60 * SECOND)
    assert second["session_id"] == "s2"
    result = first["result_json"]
    assert isinstance(result, dict)
    assert [question["question_id"] for question in result["questions"]] == ["i1", "i2"]
    assert result["questions"][1] == {
        "question_id": "i2", "is_correct": False, "answered_at": "2025-01-06T12:01:00.000000Z",
        "time_spent_sec": 1.5, "topic": "Algebra", "attempt_no": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ['a"b', "a,b", "a\\b", "\\.", "\\N", "'; --", "{}", "Zoë 日本 🎓", "%s", "%(exam_id)s", "x  y"],
)
def test_texts_that_csv_json_or_sql_could_trip_over(engine: sa.Engine, text: str) -> None:
    file = file_of(answer(text, 0, user_id=text, session_id=text, topic=text), answer("i", 1, user_id=text))
    load(engine, file, exam_id=text)
    assert_stored(engine, file)
    assert {row["exam_id"] for row in sessions(engine)} == {text}


def test_extreme_values_come_back_exactly(engine: sa.Engine) -> None:
    early, late = dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime.now(dt.UTC) + dt.timedelta(hours=20)
    file = file_of(
        answer("i1", 0, answered_at=early, response_time_ms=0, session_id="early"),
        answer("i2", 0, answered_at=late, response_time_ms=2**31 - 1, attempt_no=999_999_999, session_id="late"),
        answer("i3", 0, answered_at=NOON + dt.timedelta(microseconds=1), response_time_ms=1),
    )
    load(engine, file)
    with transaction(engine) as connection:
        found = answer_tables.frame(pa.concat_tables(attempts.ever(connection)))
    pd.testing.assert_frame_equal(found, as_attempts(file), check_like=True)


def test_loading_again_changes_nothing(engine: sa.Engine) -> None:
    file = file_of(answer("i1", 0), answer("i2", 5), answer("i1", 0, user_id="u2"))
    assert load(engine, file) == Ingested(3, new=2)
    before = sessions(engine)
    assert load(engine, file, "another exam") == Ingested(3, unchanged=2)
    assert sessions(engine) == before


def test_a_session_that_has_grown_is_completed_and_an_older_export_takes_nothing_away(engine: sa.Engine) -> None:
    whole = file_of(answer("i1", 0), answer("i2", 5), answer("i1", 9, attempt_no=2), answer("i1", 0, user_id="u2"))
    assert load(engine, file_of(answer("i2", 5))) == Ingested(1, new=1)
    assert load(engine, whole) == Ingested(4, new=1, grown=1)
    assert_stored(engine, whole)
    first = sessions(engine)[0]
    assert (first["created_at"], first["updated_at"]) == (NOON, NOON + 9 * SECOND)
    assert load(engine, file_of(answer("i2", 5))) == Ingested(1, unchanged=1)
    assert_stored(engine, whole)


def test_a_session_split_over_two_files_is_put_together(engine: sa.Engine) -> None:
    early, late = [answer("i1", 0), answer("i3", 7)], [answer("i2", 5), answer("i4", 9)]
    load(engine, file_of(*late))
    assert load(engine, file_of(*early)) == Ingested(2, grown=1)
    assert_stored(engine, file_of(*early, *late))


def test_a_corrected_answer_replaces_the_old_one(engine: sa.Engine) -> None:
    load(engine, file_of(answer("i1", 0, correct=False), answer("i2", 5)))
    assert load(engine, file_of(answer("i1", 0, correct=True))) == Ingested(1, grown=1)
    assert_stored(engine, file_of(answer("i1", 0), answer("i2", 5)))


def test_a_poorer_export_of_a_grown_session_does_not_erase_what_is_known(engine: sa.Engine) -> None:
    load(engine, file_of(answer("i1", 0)))
    poor = dict.fromkeys(("topic", "response_time_ms", "attempt_no"))
    assert load(engine, file_of(answer("i1", 0, **poor), answer("i2", 5, **poor))) == Ingested(2, grown=1)
    assert_stored(engine, file_of(answer("i1", 0), answer("i2", 5, topic=None, response_time_ms=None)))


def test_a_session_of_the_platform_stays_as_it_is(engine: sa.Engine) -> None:
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO exam_results (user_id, session_id, result_json, created_at, updated_at) VALUES "
            '(\'u1\', \'s1\', \'{"questions": [{"question_id": "i1", "correct": true}]}\', now(), now()), '
            "('u2', 's1', NULL, now(), now())"
        )
    before = sessions(engine)
    file = file_of(answer("i1", 0), answer("i1", 0, user_id="u2"), answer("i1", 0, user_id="u3"))
    assert load(engine, file) == Ingested(3, new=1, foreign=2, foreign_responses=2)
    assert sessions(engine)[:2] == before


def test_it_is_all_or_nothing(engine: sa.Engine) -> None:
    exam = synthetic_exam(1, Week(dt.date(2025, 1, 6)), n_users=100, n_weeks=8)
    file = exam.as_file()

    def stop_at_the_second_batch(done: int, total: int) -> None:
        if done > 20_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), transaction(engine) as connection:
        ingest(connection, file, EXAM_ID, stop_at_the_second_batch)
    assert sessions(engine) == []


def test_progress_ends_at_the_total(engine: sa.Engine) -> None:
    exam = synthetic_exam(1, Week(dt.date(2025, 1, 6)), n_users=100, n_weeks=8)
    file = exam.as_file()
    heard: list[tuple[int, int]] = []
    with transaction(engine) as connection:
        ingest(connection, file, EXAM_ID, lambda done, total: heard.append((done, total)))
    assert [done for done, _ in heard] == sorted({done for done, _ in heard})
    assert heard[-1] == (len(exam.responses), len(exam.responses))
    assert len(heard) == 2


@pytest.mark.parametrize("first_file", [0, 1])
def test_a_session_begins_with_its_first_answer_and_ends_with_its_last_whichever_file_came_first(
    engine: sa.Engine, first_file: int
) -> None:
    files = [file_of(answer("i1", 0)), file_of(answer("i2", 5))]
    load(engine, files[first_file])
    load(engine, files[1 - first_file])
    (session,) = sessions(engine)
    assert (session["created_at"], session["updated_at"]) == (NOON, NOON + 5 * SECOND)


def omitted_items(engine: sa.Engine) -> list[str]:
    frame = stored(engine)
    return sorted(frame.loc[frame["omitted"].fillna(value=False), "item_key"])


def test_answers_of_one_instant_keep_the_files_order(engine: sa.Engine) -> None:
    """They were put in the order of their items: of an exam with one time for all, a blank in the middle came last."""
    load(engine, file_of(answer("d", 0), answer("z", 0, correct=None), answer("b", 0), answer("a", 0, correct=None)))
    assert [question["question_id"] for question in sessions(engine)[0]["result_json"]["questions"]] == list("dzba")
    assert omitted_items(engine) == ["z"]


def test_a_session_that_grows_keeps_the_order_of_each_file(engine: sa.Engine) -> None:
    load(engine, file_of(answer("d", 0), answer("z", 0, correct=None)))
    load(engine, file_of(answer("c", 0), answer("a", 0, correct=None), answer("b", 5)))
    assert [question["question_id"] for question in sessions(engine)[0]["result_json"]["questions"]] == list("dzcab")
    assert omitted_items(engine) == ["a", "z"]
    load(engine, file_of(answer("a", 0, correct=None), *(answer(item, 0) for item in "dc"), answer("z", 0)))
    assert [question["question_id"] for question in sessions(engine)[0]["result_json"]["questions"]] == list("adczb")
    assert omitted_items(engine) == ["a"]


@pytest.mark.parametrize(("known", "new"), [("12", "12.0"), ("Zo\u00eb", "Zoe\u0308"), ("u1", "\uff551")])
def test_a_learner_of_earlier_answers_written_differently_is_refused(engine: sa.Engine, known: str, new: str) -> None:
    """Whoever was `12` in one file and `12.0` in the next was two learners from then on."""
    load(engine, file_of(answer("i1", 0, user_id=known)))
    before = sessions(engine)
    with pytest.raises(InvalidInput) as caught:
        load(engine, file_of(answer("i1", 0, user_id="u2"), answer("i1", 0, user_id=new)))
    assert str(caught.value).startswith(
        f"answers, column user_id: {new!a} is another id written differently: {known!a}, of earlier answers."
    )
    assert sessions(engine) == before
