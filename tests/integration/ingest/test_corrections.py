"""A file that was wrong: replaced by the right one, looked at before, or taken back by its name."""

import datetime as dt
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from resources.database.engine import make_engine, transaction
from resources.errors import InvalidInput
from resources.ingest import load as loading
from resources.ingest.response_file import ResponseFile, from_table
from tests.integration.ingest.test_load import SECOND, answer, assert_stored, file_of, load, sessions

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def named(name: str, *answers: dict[str, object]) -> ResponseFile:
    return from_table(file_of(*answers).responses, name)


def replaced(engine: sa.Engine, file: ResponseFile) -> loading.Ingested:
    with transaction(engine) as connection:
        return loading.ingest(connection, file, "exam", replace=True)


def undone(engine: sa.Engine, name: str) -> loading.journal.Undone:
    with transaction(engine) as connection:
        return loading.undo(connection, name)


def refusal(engine: sa.Engine, name: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        undone(engine, name)
    return str(caught.value)


def shifted(*answers: dict[str, object]) -> list[dict[str, object]]:
    return [given | {"answered_at": given["answered_at"] + 9 * HOUR} for given in answers]  # type: ignore[operator]


def journal_rows(engine: sa.Engine) -> tuple[int, int]:
    with transaction(engine) as connection:
        query = "SELECT (SELECT count(*) FROM ingested_files), (SELECT count(*) FROM ingested_sessions)"
        return tuple(connection.exec_driver_sql(query).one())  # type: ignore[return-value]


def test_a_file_with_another_zone_replaces_the_answers_that_it_used_to_double(engine: sa.Engine) -> None:
    wrong = [answer("i1", 0), answer("i2", 5)]
    load(engine, file_of(*wrong))
    result = replaced(engine, file_of(*shifted(*wrong)))
    assert (result.grown, result.changes.added, result.changes.removed) == (1, 2, 2)
    assert_stored(engine, file_of(*shifted(*wrong)))
    (session,) = sessions(engine)
    assert (session["created_at"], session["updated_at"]) == (
        wrong[0]["answered_at"] + 9 * HOUR, wrong[0]["answered_at"] + 9 * HOUR + 5 * SECOND,
    )  # fmt: skip
    assert replaced(engine, file_of(*shifted(*wrong))).unchanged == 1


def test_without_it_what_doubles_is_counted(engine: sa.Engine) -> None:
    load(engine, file_of(answer("i1", 0), answer("i2", 5)))
    changes = load(engine, file_of(*shifted(answer("i1", 0)), answer("i3", 9), answer("i2", 5, correct=False))).changes
    assert (changes.added, changes.again, changes.changed, changes.removed) == (2, 1, 1, 0)


def test_a_second_attempt_is_no_answer_at_another_time(engine: sa.Engine) -> None:
    load(engine, file_of(answer("i1", 0)))
    assert load(engine, file_of(answer("i1", 9, attempt_no=2))).changes.again == 0


def test_sessions_under_another_learner_are_counted(engine: sa.Engine) -> None:
    load(engine, file_of(answer("i1", 0, user_id="wrong"), answer("i1", 7, user_id="u9")))
    result = load(engine, file_of(answer("i1", 0, user_id="right"), answer("i1", 3, user_id="u8")))
    assert (result.new, result.changes.moved) == (2, 1)


def test_replacing_leaves_other_sessions_and_the_platforms_alone(engine: sa.Engine) -> None:
    load(engine, file_of(answer("i1", 0), answer("i1", 0, session_id="s2")))
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO exam_results (user_id, session_id, result_json, created_at, updated_at) "
            "VALUES ('p', 's1', '{\"questions\": []}', now(), now())"
        )
    before = sessions(engine)
    result = replaced(engine, file_of(answer("i9", 0), answer("i9", 0, user_id="p")))
    assert (result.grown, result.foreign) == (1, 1)
    assert [row for row in sessions(engine) if row["session_id"] == "s2" or row["user_id"] == "p"] == [
        row for row in before if row["session_id"] == "s2" or row["user_id"] == "p"
    ]


def test_a_file_is_taken_back_and_all_is_as_it_was(engine: sa.Engine) -> None:
    load(engine, named("first.csv", answer("i1", 0), answer("i2", 5)))
    before = sessions(engine)
    load(engine, named("wrong.csv", answer("i1", 0, correct=False), answer("i3", 9), answer("i1", 0, user_id="u2")))
    result = undone(engine, "wrong.csv")
    assert (result.name, result.removed, result.restored, result.earlier) == ("wrong.csv", 1, 1, 0)
    assert sessions(engine) == before
    assert refusal(engine, "wrong.csv").startswith("No file wrong.csv was loaded: the last ones were first.csv.")
    undone(engine, "first.csv")
    assert sessions(engine) == []
    assert journal_rows(engine) == (0, 0)


def test_a_replacing_file_is_taken_back_too(engine: sa.Engine) -> None:
    load(engine, named("first.csv", answer("i1", 0), answer("i2", 5)))
    before = sessions(engine)
    replaced(engine, named("second.csv", answer("i7", 3)))
    undone(engine, "second.csv")
    assert sessions(engine) == before


def test_loads_of_one_name_are_taken_back_one_by_one(engine: sa.Engine) -> None:
    load(engine, named("weekly.csv", answer("i1", 0)))
    before = sessions(engine)
    load(engine, named("weekly.csv", answer("i1", 0), answer("i2", 5)))
    load(engine, named("weekly.csv", answer("i1", 0), answer("i2", 5)))  # changes nothing: no load to take back
    assert undone(engine, "weekly.csv").earlier == 1
    assert sessions(engine) == before
    assert undone(engine, "weekly.csv").earlier == 0
    assert sessions(engine) == []


def test_a_file_under_another_one_is_not_taken_back(engine: sa.Engine) -> None:
    load(engine, named("first.csv", answer("i1", 0)))
    load(engine, named("second.csv", answer("i2", 5)))
    before = sessions(engine)
    assert refusal(engine, "first.csv") == (
        "1 sessions of first.csv were changed since, such as 's1' of 'u1': take second.csv back first. "
        "Nothing was changed."
    )
    assert sessions(engine) == before


def test_a_session_that_somebody_else_has_changed_is_not_taken_back_and_one_that_is_gone_does_not_matter(
    engine: sa.Engine,
) -> None:
    load(engine, named("first.csv", answer("i1", 0), answer("i1", 0, user_id="u2")))
    with transaction(engine) as connection:
        connection.exec_driver_sql("DELETE FROM exam_results WHERE user_id = 'u2'")
        connection.exec_driver_sql("UPDATE exam_results SET result_json = '{\"questions\": []}' WHERE user_id = 'u1'")
    assert "the platform, or a person, wrote it anew" in refusal(engine, "first.csv")
    with transaction(engine) as connection:
        connection.exec_driver_sql("DELETE FROM exam_results")
    assert undone(engine, "first.csv").removed == 0
